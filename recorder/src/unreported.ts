import type { State } from "./state";

const KEY = "impression-recorder-dropped";

/** Leave the number of what was dropped, and not told of yet, to the next page. Throws where localStorage is denied. */
export const leaveUnreported = (state: State): void => {
  if (state._unreported) localStorage[KEY] = (+localStorage[KEY] || 0) + state._unreported;
  state._unreported = 0;
};

/** Take what earlier pages left. Throws where localStorage is denied. */
export const takeUnreported = (state: State): void => {
  state._unreported += +localStorage[KEY] || 0;
  delete localStorage[KEY];
};
