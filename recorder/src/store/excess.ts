import type { Entry } from "../entry";

export interface Caps {
  maxBytes: number;
  maxEntries: number;
  maxAgeMs: number;
}

export type Excess = [Entry, "age" | "entries" | "bytes"][];

/** Return what exceeds the caps, oldest first, and why. */
export const excess = (entries: Entry[], caps: Caps, now: number): Excess => {
  let bytes = entries.reduce((sum, entry) => sum + entry.b, 0);
  let count = entries.length;
  const found: Excess = [];
  // Ids sort by time; the storage's order is by user first.
  for (const entry of entries.sort((one, other) => (one.id < other.id ? -1 : 1))) {
    const old = now - entry.at > caps.maxAgeMs;
    if (old || count > caps.maxEntries || bytes > caps.maxBytes) {
      found.push([entry, old ? "age" : count > caps.maxEntries ? "entries" : "bytes"]);
      count--;
      bytes -= entry.b;
    }
  }
  return found;
};
