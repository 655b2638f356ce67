import type { Entry } from "../entry";
import { claim } from "./claim";
import { counts, excess } from "./excess";
import type { Store } from "./store";

/** Storage that answers at once. */
export interface Area {
  _all(): Entry[];
  _set(entry: Entry): void;
  _delete(entry: Entry): void;
}

/** An area of this page's own, for where nothing else is allowed. */
export const memory = (): Area => {
  const entries = new Map<string, Entry>();
  return {
    _all: () => [...entries.values()],
    _set: (entry) => entries.set(entry.id, entry),
    _delete: (entry) => entries.delete(entry.id),
  };
};

/** Run alone among all tabs, where the browser can see to that. The lock is held for some ms: see 0023. */
const alone = <T>(act: () => T): Promise<T> =>
  navigator.locks ? (navigator.locks.request("impression-recorder", act) as Promise<T>) : Promise.resolve().then(act);

/** A store over such an area. */
export const plain = (area: Area, kind: Store["_kind"]): Store => {
  const sorted = () => area._all().sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    _kind: kind,
    _put: async (entries) => entries.forEach(area._set),
    _remove: async (entries) => entries.forEach(area._delete),
    _claim: (to, tab, most) =>
      alone(() => {
        const claimed = claim(sorted().filter((entry) => entry.to == to), tab, most, Date.now());
        claimed._entries.forEach(area._set);
        return claimed;
      }),
    _trim: (caps) =>
      alone(() => {
        const found = excess(sorted(), caps, Date.now());
        found.forEach(([entry]) => area._delete(entry));
        return counts(found);
      }),
    _halt() {},
  };
};
