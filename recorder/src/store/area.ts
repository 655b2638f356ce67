import type { Entry } from "../entry";
import { json } from "../text";
import { tried } from "../tried";

const PREFIX = "impression-recorder:";

/** Keys and values that answer at once: localStorage, or an object of this page's own. Each access may throw. */
export type Area = Record<string, string>;

/** All entries, oldest first: a key for each, since two tabs that share one array lose half of what they write. */
export const all = (area: Area): Entry[] =>
  Object.keys(area)
    .sort()
    .flatMap(
      (key): Entry | [] =>
        // Not all is ours, whatever its name says: only texts can be trimmed.
        tried(() => {
          const entry = key.startsWith(PREFIX) && JSON.parse(area[key]!);
          return [entry.to, entry.id, entry.i].every((each) => each.trim()) && entry.b > 0 && entry;
        }) || [],
    );

export const put = (area: Area, entry: Entry): void => {
  area[PREFIX + entry.id] = json(entry);
};

export const remove = (area: Area, entry: Entry): void => {
  delete area[PREFIX + entry.id];
};
