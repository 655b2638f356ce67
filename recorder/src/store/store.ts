import type { Entry } from "../entry";
import type { Stats } from "../types";

/**
 * Alone among all tabs, put or remove the entries that `choose` returns. It is given what is stored: up to `most` of a
 * destination's, oldest first; all of everybody's for "", and nothing that counts if there is no destination. Resolves once
 * that survives the death of the browser, as far as the storage does; rejects if the storage fails.
 */
export type Change = (remove: boolean, choose: (found: Entry[]) => Entry[], to?: string, most?: number) => Promise<void>;

/** Where impressions wait until a 2xx names them stored. */
export interface Store {
  _kind: Stats["storage"];
  _change: Change;
  /** Abort what the page's end would leave open. */
  _halt?(): void;
}
