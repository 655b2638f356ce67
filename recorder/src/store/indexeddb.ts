import type { Entry } from "../entry";
import { claim } from "./claim";
import { counts, excess } from "./excess";
import type { Store } from "./store";

const NAME = "impression-recorder";
const STORE = "entries";
/** Safari's `open` sometimes never answers after a page's load (firebase-js-sdk#4948). */
const OPEN_MS = 1000;

const opened = (): Promise<IDBDatabase> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(reject, OPEN_MS, "timeout");
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: ["to", "id"] });
    request.onblocked = request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      clearTimeout(timer);
      resolve(request.result);
    };
  });

/** Open the database. Rejects where the browser denies it, or doesn't answer within a second. */
export const indexedDb = async (): Promise<Store> => {
  let db = await opened();
  let broken = false;
  let halted: IDBTransaction | undefined;
  const watch = () => {
    // Another release may want to change it; Safari loses it (Expensify/App#87864).
    db.onversionchange = () => db.close();
    db.onclose = () => (broken = true);
  };
  watch();

  const begin = async (): Promise<IDBTransaction> => {
    const start = () => db.transaction(STORE, "readwrite", { durability: "relaxed" });
    if (!broken) {
      try {
        return start();
      } catch {
        // InvalidStateError or UnknownError: the handle is dead, the database perhaps not.
      }
    }
    db = await opened();
    broken = false;
    watch();
    return start();
  };

  const done = (transaction: IDBTransaction): Promise<void> =>
    new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });

  /** Write without waiting for anything in between: such a transaction is over before a page can be suspended. */
  const write = async (act: (store: IDBObjectStore) => void): Promise<void> => {
    const transaction = await begin();
    act(transaction.objectStore(STORE));
    const end = done(transaction);
    transaction.commit?.();
    return end;
  };

  /** Read, then write in the same transaction: others' wait until it is over, in every tab. Aborted by `_halt`. */
  const change = async <T>(range: IDBKeyRange | null, most: number, act: (found: Entry[], store: IDBObjectStore) => T): Promise<T> => {
    const transaction = (halted = await begin());
    const store = transaction.objectStore(STORE);
    let result: T;
    const request = store.getAll(range, most);
    request.onsuccess = () => {
      result = act(request.result, store);
      transaction.commit?.();
    };
    try {
      await done(transaction);
    } finally {
      if (halted == transaction) halted = undefined;
    }
    return result!;
  };

  return {
    _kind: "indexeddb",
    _put: (entries) => write((store) => entries.forEach((entry) => store.put(entry))),
    _remove: (entries) => write((store) => entries.forEach((entry) => store.delete([entry.to, entry.id]))),
    _claim: (to, tab, most) =>
      // Other tabs' claims may stand before what is free.
      change(IDBKeyRange.bound([to, ""], [to, "~"]), 4 * most, (found, store) => {
        const claimed = claim(found, tab, most, Date.now());
        claimed._entries.forEach((entry) => store.put(entry));
        return claimed;
      }),
    _trim: (caps) =>
      change(null, 4 * caps.maxEntries, (all, store) => {
        const found = excess(all.sort((a, b) => (a.id < b.id ? -1 : 1)), caps, Date.now());
        found.forEach(([entry]) => store.delete([entry.to, entry.id]));
        return counts(found);
      }),
    _halt() {
      try {
        halted?.abort();
      } catch {
        // It was over already.
      }
    },
  };
};
