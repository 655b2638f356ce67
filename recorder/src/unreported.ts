import type { State } from "./state";
import { tried } from "./tried";

const KEY = "impression-recorder-dropped";

/**
 * Swap the number of what was dropped, and not told of yet, with what is kept of it: at the start for what the page before
 * left, at the end to leave it. There is none where localStorage is denied.
 */
export const swapUnreported = (state: State): void =>
  tried(() => {
    const kept = +localStorage[KEY] || 0;
    localStorage[KEY] = state._unreported;
    state._unreported = kept;
  });
