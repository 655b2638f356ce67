import { compose } from "./compose";
import { mute } from "./exit";
import { post } from "./send/fetch";
import type { State } from "./state";

type FetchLater = (url: string, init: RequestInit & { activateAfter: number }) => unknown;

/** Repeated triggers within so many ms count as one. */
export const DEBOUNCE_MS = 100;
/** Long enough that a page which lives has had its acknowledgement. */
const ACTIVATE_MS = 600_000;
/**
 * Return what leaves everything that isn't acknowledged with the browser, which sends it should this page's process
 * die: crash, memory, a mobile system's discard. Only Chromium has this. A moment later, so that what comes soon joins
 * it. It replaces what was left before.
 */
export const arm = (state: State): (() => void) => {
  let armed: AbortController | undefined;
  let timer: unknown;
  const leave = () => {
    timer = 0;
    armed?.abort();
    const entries = [...state._memory.values()].map((mine) => mine._entry);
    if (mute(state) || !entries[0]) return;
    armed = new AbortController();
    try {
      (globalThis as unknown as { fetchLater: FetchLater }).fetchLater(state._url, {
        ...post(compose(state, entries, "keepalive", "pagehide")._text, armed.signal),
        activateAfter: ACTIVATE_MS,
      });
    } catch {
      // Its quota (64 KiB) is somebody else's, or the page's policy forbids it: what is stored is enough.
    }
  };
  return () => {
    if ("fetchLater" in globalThis) timer ||= setTimeout(leave, mute(state) ? 0 : DEBOUNCE_MS);
  };
};
