import { all, remove, type Area } from "./area";
import { indexedDb } from "./indexeddb";
import { plain } from "./plain";
import type { Store } from "./store";

/** Open the best storage that this browser allows: IndexedDB, localStorage, memory. Never rejects. */
export const openStore = async (): Promise<Store> => {
  let area: Area = {};
  let kind: Store["_kind"] = "memory";
  try {
    // Even reading it throws where it is blocked (umami#3872).
    area = localStorage;
    kind = "localstorage";
  } catch {}
  try {
    const store = await indexedDb();
    const left = all(area);
    if (left[0]) {
      // What an exit or the stub left in localStorage belongs with the rest. It stays there until it is there.
      await store._put(left);
      left.forEach((entry) => remove(area, entry));
    }
    return store;
  } catch {
    return plain(kind, area);
  }
};
