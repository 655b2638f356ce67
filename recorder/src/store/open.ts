import { indexedDb } from "./indexeddb";
import { local } from "./local";
import { memory, plain } from "./plain";
import type { Store } from "./store";

/** What an exit or the stub left in localStorage belongs with the rest. It stays there until it is there. */
const adopt = async (store: Store): Promise<void> => {
  const left = local._all();
  if (left.length) {
    await store._put(left);
    left.forEach(local._delete);
  }
};

/** Open the best storage that this browser allows: IndexedDB, localStorage, memory. Never rejects. */
export const openStore = async (): Promise<Store> => {
  try {
    const store = await indexedDb();
    await adopt(store).catch(() => 0); // localStorage may be blocked by itself
    return store;
  } catch {
    try {
      local._all();
      localStorage.setItem("impression-recorder", "");
      localStorage.removeItem("impression-recorder");
      return plain(local, "localstorage");
    } catch {
      return plain(memory(), "memory");
    }
  }
};
