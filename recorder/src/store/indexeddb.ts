import type { Entry } from "../entry";
import { tried } from "../tried";
import { limited } from "../limited";
import type { Store } from "./store";

const NAME = "impression-recorder";
/** Far longer than a transaction takes. WebKit's may never end, once one was suspended. */
const HUNG_MS = 5000;

const opened = (): Promise<IDBDatabase> =>
  new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(NAME, { keyPath: ["to", "id"] });
    request.onerror = reject;
    request.onsuccess = () => {
      const db = request.result;
      // Another release may want to change it. Called as the database's own.
      db.onversionchange = db.close;
      resolve(db);
    };
  });

/**
 * Open IndexedDB as a store. Rejects where the browser denies it; may never answer.
 *
 * IndexedDB runs transactions that write one after another, across tabs: that is the lock for a claim. No transaction may
 * be open when the page is suspended, or WebKit lets the next page's wait for ever (measured on WebKitGTK 2.50): what
 * only writes is committed at once, what reads first is aborted by `_halt`.
 */
export const indexedDb = async (): Promise<Store> => {
  let db = await opened();
  let reading: IDBTransaction | undefined;

  const begin = () => db.transaction(NAME, "readwrite", { durability: "relaxed" });

  return {
    _kind: "indexeddb",
    async _change(remove, choose, to, most) {
      let transaction = tried(begin);
      if (!transaction) {
        // Safari loses the database while the page is open (Expensify/App#87864): once more, with another handle.
        db = await limited(HUNG_MS, opened());
        transaction = begin();
      }
      const store = transaction.objectStore(NAME);
      const run = (found: Entry[]) => {
        for (const entry of choose(found)) {
          if (remove) store.delete([entry.to, entry.id]);
          else store.put(entry);
        }
        transaction.commit();
      };
      if (to == null) {
        run([]);
      } else {
        reading = transaction;
        const request = store.getAll(to ? IDBKeyRange.bound([to], [to, []]) : null, most);
        request.onsuccess = () => run(request.result);
      }
      await limited(
        HUNG_MS,
        new Promise((resolve, reject) => {
          transaction.oncomplete = resolve;
          transaction.onabort = reject;
        }),
      );
    },
    // If it isn't over already.
    _halt: () => tried(() => reading!.abort()),
  };
};
