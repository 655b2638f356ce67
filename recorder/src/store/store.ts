import type { Entry } from "../entry";
import type { Stats } from "../types";
import { claim, type Claimed } from "./claim";
import { excess, type Caps, type Excess } from "./excess";

type Change = (entry: Entry) => unknown;

/**
 * Alone among all tabs, read up to `most` entries of a destination (or of all: ""; or none, and just write: null), oldest
 * first, and change some. Rejects if the storage fails.
 */
export type Access = <T>(to: string | null, most: number, act: (found: Entry[], put: Change, remove: Change) => T) => Promise<T>;

/** Where impressions wait until a 2xx names them stored. Every promise rejects if the storage fails. */
export interface Store {
  _kind: Stats["storage"];
  /** Resolves once they survive the death of the browser, as far as the storage does. */
  _put(entries: Entry[]): Promise<void>;
  _remove(entries: Entry[]): Promise<void>;
  /** Take up to `most` of a destination's entries for a tab, oldest first. No two tabs get the same. */
  _claim(to: string, tab: string, most: number): Promise<Claimed>;
  /** Drop the oldest beyond the caps, whoever's they are; returns them by reason. */
  _trim(caps: Caps): Promise<Excess>;
  /** Abort what the page's end would leave open. */
  _halt(): void;
}

/** Other tabs' claims may stand before what is free. */
const CLAIMS_BEFORE = 4;

export const createStore = (kind: Store["_kind"], access: Access, halt: () => void): Store => ({
  _kind: kind,
  _put: (entries) => access(null, 0, (_found, put) => entries.forEach(put)),
  _remove: (entries) => access(null, 0, (_found, _put, remove) => entries.forEach(remove)),
  _claim: (to, tab, most) =>
    access(to, most * CLAIMS_BEFORE, (found, put) => {
      const claimed = claim(found, tab, most, Date.now());
      claimed._entries.forEach(put);
      return claimed;
    }),
  _trim: (caps) =>
    access("", 1e6, (found, _put, remove) => {
      const over = excess(found, caps, Date.now());
      over.forEach(([entry]) => remove(entry));
      return over;
    }),
  _halt: halt,
});
