import { bytesOf } from "./text";

/** Known to be stored. Like all symbols, this one is never stored itself. */
export const STORED: unique symbol = Symbol();
/** On its way by what survives the page: an exit needn't send it again. */
export const SAFE: unique symbol = Symbol();

/**
 * An impression as it is stored. The names are read by later releases, so they never change.
 */
export interface Entry {
  /** Whose it is, and for where: `destination()`. What A recorded never leaves as B, nor to another collector. */
  to: string;
  /** The impression_id, which sorts by time. */
  id: string;
  /** The impression as JSON. */
  i: string;
  /** What its flush says about itself: session, tier, experiments, client; JSON without braces, with a comma at its end, or "". */
  h: string;
  /** Bytes of `i`, as UTF-8. */
  b: number;
  /** When it was recorded, ms since the epoch by this browser's clock. */
  at: number;
  /** Attempts to send it, counted before each. */
  n: number;
  /** The tab that has it, and since when. */
  by: string;
  since: number;
  /** 1: its time was corrected because the collector called it `future`; that happens once. */
  f?: 1;
  [STORED]?: boolean;
  [SAFE]?: boolean;
}

/** The destination of entries: a collector and a user. */
export const destination = (endpoint: string, userId: string): string => endpoint + " " + userId;

/** Longest impression, in bytes: far more than the contract has fields for. */
const MOST_BYTES = 16 * 1024;

/** An impression to be stored; null if it is too large to be one. */
export const entry = (to: string, by: string, h: string, id: string, i: string): Entry | null => {
  const b = bytesOf(i);
  const at = Date.now();
  return b > MOST_BYTES ? null : { to, id, i, h, b, at, n: 0, by, since: at };
};
