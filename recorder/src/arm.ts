import { compose } from "./compose";
import { mute } from "./exit";
import { post } from "./send/post";
import type { State } from "./state";
import { tried } from "./tried";

type FetchLater = (url: string, init: RequestInit & { activateAfter: number }) => unknown;

/** Long enough that a page which lives has had its acknowledgement. */
const ACTIVATE_MS = 600_000;
/**
 * Leave everything that isn't acknowledged with the browser, which sends it should this page's process die: crash,
 * memory, a mobile system's discard. Only Chromium has this. It replaces what was left before.
 */
export const arm = (state: State): void => {
  state._armed?.abort();
  const entries = state._memory;
  if (!("fetchLater" in self) || mute(state) || !entries[0]) return;
  const { signal } = (state._armed = new AbortController());
  // Its quota (64 KiB) may be somebody else's, or the page's policy forbids it: what is stored is enough.
  tried(() =>
    (self as unknown as { fetchLater: FetchLater }).fetchLater(state._url, {
      ...post(compose({ ...state, _reason: "pagehide" }, entries, "keepalive")._text, signal),
      activateAfter: ACTIVATE_MS,
    }),
  );
};
