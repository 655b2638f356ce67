import type { State } from "./state";
import { tried } from "./tried";

const KEY = "impression-recorder-dropped";

/**
 * The number of what was dropped, and not told of yet, outlives its page: leave it, or take what earlier pages left. There is
 * none where localStorage is denied.
 */
export const keepUnreported = (state: State, leave: boolean): void =>
  tried(() => {
    const all = state._unreported + (+localStorage[KEY] || 0);
    localStorage[KEY] = leave ? all : 0;
    state._unreported = leave ? 0 : all;
  });
