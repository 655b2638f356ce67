import type { Entry } from "../entry";

/** Bytes of a flush around its impressions, and of a token: generous, since the quota refuses one byte too many. */
const AROUND = 1024;

/** Split entries, in order, into runs whose bodies stay below so many bytes; an entry too large stands alone. */
export const pieces = (entries: Entry[], most: number, count: number, tokenBytes: number): Entry[][] => {
  const found: Entry[][] = [];
  let size = 0;
  let head = "";
  for (const entry of entries) {
    const last = found[found.length - 1];
    size += entry.b + 1 + (entry.h == head ? 0 : entry.h.length + AROUND);
    if (last && size <= most && last.length < count) {
      last.push(entry);
    } else {
      found.push([entry]);
      size = entry.b + entry.h.length + AROUND + tokenBytes;
    }
    head = entry.h;
  }
  return found;
};
