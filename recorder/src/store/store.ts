import type { Entry } from "../entry";
import type { Stats } from "../types";

export interface Caps {
  maxBytes: number;
  maxEntries: number;
  maxAgeMs: number;
}

export type Why = "age" | "entries" | "bytes";

/** What a claim found: what is ours to send now, and whether something else of ours may be sent later. */
export interface Claimed {
  _entries: Entry[];
  _later: boolean;
}

/**
 * Where impressions wait until a 2xx names them stored. Every method rejects if the storage fails.
 *
 * Nothing is begun after `_halt`, until `_resume`: WebKit suspends a transaction that begins in `pagehide`, with the
 * write lost, and the next page's reads wait for it for ever (measured on WebKitGTK 2.50).
 */
export interface Store {
  _kind: Stats["storage"];
  /** Resolves once they survive the death of the browser, as far as the storage does. */
  _put(entries: Entry[]): Promise<void>;
  /** Take up to `most` of a destination's entries for a tab, oldest first. No two tabs get the same. */
  _claim(to: string, tab: string, most: number): Promise<Claimed>;
  _remove(entries: Entry[]): Promise<void>;
  /** Drop the oldest beyond the caps, whoever's they are; how many, by reason. */
  _trim(caps: Caps): Promise<Partial<Record<Why, number>>>;
  _halt(): void;
}
