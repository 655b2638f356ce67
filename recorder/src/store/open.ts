import { tried } from "../tried";
import { all, remove, type Area } from "./area";
import { indexedDb } from "./indexeddb";
import { plain } from "./plain";
import type { Store } from "./store";

/** Open the best storage that this browser allows: IndexedDB, localStorage, memory. Never rejects. */
export const openStore = async (): Promise<Store> => {
  // Even reading it throws where it is blocked (umami#3872).
  const local: Area | undefined = tried(() => localStorage);
  try {
    const store = await indexedDb();
    // What an exit or the stub left in localStorage belongs with the rest. It stays there until it is there.
    const left = local ? all(local) : [];
    await store._change(false, () => left);
    left.forEach((entry) => remove(local!, entry));
    return store;
  } catch {
    return plain(local ? "localstorage" : "memory", local || {});
  }
};
