import type { Entry } from "../entry";
import type { Options } from "../types";

const DAY_MS = 86_400_000;
/** What is stored at most of all users, unless the page says otherwise. */
export const MOST_ENTRIES = 5000;

type Caps = Pick<Options, "maxBytes" | "maxEntries" | "maxAgeMs">;

export type Excess = [Entry, "age" | "entries" | "bytes"][];

/** Return what exceeds the caps, oldest first, and why. */
export const excess = (
  entries: Entry[],
  { maxBytes = 1 << 20, maxEntries = MOST_ENTRIES, maxAgeMs = 6 * DAY_MS }: Caps,
  now: number,
): Excess => {
  let bytes = 0;
  let count = entries.length;
  const found: Excess = [];
  for (const entry of entries) bytes += entry.b;
  // Ids sort by time; the storage's order is by user first.
  for (const entry of entries.sort((one, other) => (one.id < other.id ? -1 : 1))) {
    const why = now - entry.at > maxAgeMs ? "age" : count > maxEntries ? "entries" : bytes > maxBytes && "bytes";
    if (why) {
      found.push([entry, why]);
      count--;
      bytes -= entry.b;
    }
  }
  return found;
};
