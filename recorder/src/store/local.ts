import { json } from "../text";
import type { Entry } from "../entry";
import type { Area } from "./plain";

const PREFIX = "impression-recorder:";

/**
 * localStorage as an area: a key for each entry, since two tabs that share one array lose half of what they write.
 * Every access may throw: even reading `window.localStorage` does where it is blocked (umami#3872).
 */
export const local: Area = {
  _all() {
    const found: Entry[] = [];
    for (let n = 0; n < localStorage.length; n++) {
      const key = localStorage.key(n)!;
      if (key.startsWith(PREFIX)) {
        try {
          const entry: Entry = JSON.parse(localStorage.getItem(key)!);
          if (entry.to && entry.id && entry.i) found.push(entry);
        } catch {
          // Not ours, whatever its name says.
        }
      }
    }
    return found;
  },
  _set: (entry) => localStorage.setItem(PREFIX + entry.id, json(entry)),
  _delete: (entry) => localStorage.removeItem(PREFIX + entry.id),
};
