import { compose } from "./compose";
import { deadMansSwitch } from "./send/later";
import { pieces } from "./send/pieces";
import { QUOTA_BYTES } from "./send/quota";
import type { State } from "./state";

/** Repeated triggers within so many ms count as one. */
export const DEBOUNCE_MS = 100;

/** Return what leaves everything that isn't acknowledged with the browser, a moment later: what comes soon joins it. */
export const arm = (state: State): (() => void) => {
  const leave = deadMansSwitch(state._url);
  let timer: unknown;
  const now = () => {
    timer = 0;
    const [first] = pieces(state._allowed ? [...state._memory.values()] : [], QUOTA_BYTES, state._token.length);
    leave(first ? compose(state, first, "keepalive", "pagehide")._text : "");
  };
  return () => {
    if ("fetchLater" in globalThis) timer ||= setTimeout(now, state._allowed ? DEBOUNCE_MS : 0);
  };
};
