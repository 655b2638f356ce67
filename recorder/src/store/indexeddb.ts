import type { Entry } from "../entry";
import { within } from "../within";
import { createStore, type Access, type Store } from "./store";

const NAME = "impression-recorder";
/** Safari's `open` sometimes never answers after a page's load (firebase-js-sdk#4948). */
const OPEN_MS = 1000;
/** Far longer than a transaction takes. WebKit's may never end, once one was suspended. */
const HUNG_MS = 5000;

const opened = (): Promise<IDBDatabase> =>
  within(
    OPEN_MS,
    new Promise((resolve, reject) => {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(NAME, { keyPath: ["to", "id"] });
      request.onblocked = request.onerror = reject;
      request.onsuccess = () => {
        // Another release may want to change it.
        request.result.onversionchange = () => request.result.close();
        resolve(request.result);
      };
    }),
  );

/**
 * Open IndexedDB as a store. Rejects where the browser denies it, or doesn't answer within a second.
 *
 * IndexedDB runs transactions that write one after another, across tabs: that is the lock for a claim. No transaction may
 * be open when the page is suspended, or WebKit lets the next page's wait for ever (measured on WebKitGTK 2.50): what
 * only writes is committed at once, what reads first is aborted by `_halt`.
 */
export const indexedDb = async (): Promise<Store> => {
  let db = await opened();
  let reading: IDBTransaction | undefined;
  let lost = false;

  const begin = () => db.transaction(NAME, "readwrite", { durability: "relaxed" });

  const access: Access = async (to, most, act) => {
    let transaction: IDBTransaction;
    try {
      transaction = begin();
    } catch {
      // Safari loses the database while the page is open (Expensify/App#87864): once more, with another handle.
      db = await opened();
      transaction = begin();
      lost = true;
    }
    if (lost && to) {
      // What was stored may be gone with it, as if others had sent it: whoever claims must know.
      lost = false;
      throw "lost";
    }
    const store = transaction.objectStore(NAME);
    let result: ReturnType<typeof act>;
    const run = (found: Entry[]) => {
      result = act(found, (entry) => store.put(entry), (entry) => store.delete([entry.to, entry.id]));
      transaction.commit?.();
    };
    if (to == null) {
      run([]);
    } else {
      reading = transaction;
      const request = store.getAll(to ? IDBKeyRange.bound([to], [to, []]) : null, most);
      request.onsuccess = () => run(request.result);
    }
    await within(
      HUNG_MS,
      new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = reject;
      }),
    );
    return result!;
  };

  return createStore("indexeddb", access, () => {
    try {
      reading?.abort();
    } catch {
      // It was over already.
    }
  });
};
