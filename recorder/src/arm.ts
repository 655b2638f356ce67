import { compose } from "./compose";
import { deadMansSwitch } from "./send/later";
import { pieces } from "./send/pieces";
import { QUOTA_BYTES } from "./send/quota";
import type { State } from "./state";

/** Repeated triggers within so many ms count as one. */
export const DEBOUNCE_MS = 100;

/** Return what leaves everything that isn't acknowledged with the browser, a moment later: what comes soon joins it. */
export const arm = (state: State): (() => void) => {
  if (!("fetchLater" in globalThis)) return () => {};
  const leave = deadMansSwitch(state._url);
  let timer = 0;
  const now = () => {
    timer = 0;
    const entries = state._allowed ? [...state._memory.values()] : [];
    const [first] = pieces(entries, QUOTA_BYTES, 500, state._token.length);
    leave(first ? compose(state, first, "keepalive", "pagehide")._text : "");
  };
  return () => {
    // Nothing may outlive consent, nor be left once all is acknowledged.
    if (!state._allowed || !state._memory.size) now();
    else timer ||= setTimeout(now, DEBOUNCE_MS) as unknown as number;
  };
};
