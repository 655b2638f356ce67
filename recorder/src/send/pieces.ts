import type { Entry } from "../entry";

/** Bytes of a flush around its impressions, and of a token: generous, since the quota refuses one byte too many. */
const AROUND = 1024;
/** Impressions of a flush, by the contract. */
const MOST = 500;

/** Split entries, in order, into runs whose bodies stay below so many bytes; an entry too large stands alone. */
export const pieces = (entries: Entry[], bytes: number, tokenBytes: number): Entry[][] => {
  const found: Entry[][] = [];
  let size = Infinity;
  let head: string | undefined;
  for (const entry of entries) {
    size += entry.b + 1 + (entry.h == head ? 0 : entry.h.length + AROUND);
    const last = found[found.length - 1];
    if (last && size <= bytes && last.length < MOST) {
      last.push(entry);
    } else {
      found.push([entry]);
      size = entry.b + entry.h.length + AROUND + tokenBytes;
    }
    head = entry.h;
  }
  return found;
};
