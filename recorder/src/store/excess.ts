import type { Entry } from "../entry";
import type { Caps, Why } from "./store";

/** Return what exceeds the caps, oldest first: too old, too many, too large. `entries` are sorted by id, thus by age. */
export const excess = (entries: Entry[], caps: Caps, now: number): [Entry, Why][] => {
  let bytes = entries.reduce((sum, entry) => sum + entry.b, 0);
  let count = entries.length;
  const found: [Entry, Why][] = [];
  for (const entry of entries) {
    const why: Why | "" =
      now - entry.at > caps.maxAgeMs ? "age" : count > caps.maxEntries ? "entries" : bytes > caps.maxBytes ? "bytes" : "";
    if (why) {
      found.push([entry, why]);
      count--;
      bytes -= entry.b;
    }
  }
  return found;
};

export const counts = (found: [Entry, Why][]): Partial<Record<Why, number>> => {
  const by: Partial<Record<Why, number>> = {};
  for (const [, why] of found) by[why] = (by[why] || 0) + 1;
  return by;
};
