import { limited } from "../limited";
import { tried } from "../tried";
import { all, remove, type Area } from "./area";
import { indexedDb } from "./indexeddb";
import { plain } from "./plain";
import type { Store } from "./store";

/** Safari's `open` sometimes never answers after a page's load (firebase-js-sdk#4948). */
const OPEN_MS = 1000;

/**
 * Open the best storage that this browser allows, and hand it over: IndexedDB, localStorage, memory. An IndexedDB that
 * lets us wait is used once it is there: until then, the next best.
 */
export const openStore = (use: (store: Store) => void): void => {
  // Even reading it throws where it is blocked (umami#3872).
  const local: Area | undefined = tried(() => localStorage);
  limited(
    OPEN_MS,
    indexedDb().then(async (store) => {
      // What an exit or the stub left in localStorage belongs with the rest. It stays there until it is there.
      const left = local ? all(local) : [];
      await store._change(false, () => left);
      left.forEach((entry) => remove(local!, entry));
      use(store);
    }),
  ).catch(() => use(plain(local ? "localstorage" : "memory", local || {})));
};
