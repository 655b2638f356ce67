import type { Entry } from "../entry";

export interface Caps {
  maxBytes: number;
  maxEntries: number;
  maxAgeMs: number;
}

export type Excess = [Entry, "age" | "entries" | "bytes"][];

/** Return what exceeds the caps, oldest first, and why. */
export const excess = (entries: Entry[], caps: Caps, now: number): Excess => {
  let bytes = 0;
  let count = entries.length;
  const found: Excess = [];
  for (const entry of entries) bytes += entry.b;
  // Ids sort by time; the storage's order is by user first.
  for (const entry of entries.sort((one, other) => (one.id < other.id ? -1 : 1))) {
    const why = now - entry.at > caps.maxAgeMs ? "age" : count > caps.maxEntries ? "entries" : bytes > caps.maxBytes && "bytes";
    if (why) {
      found.push([entry, why]);
      count--;
      bytes -= entry.b;
    }
  }
  return found;
};
