import { post } from "./fetch";

type FetchLater = (url: string, init: RequestInit & { activateAfter: number }) => unknown;

/** Long enough that a page which lives has had its acknowledgement. */
const ACTIVATE_MS = 600_000;

/**
 * Return what leaves a text with the browser, which sends it should this page's process die: crash, memory, a mobile
 * system's discard. Only Chromium has this. Each text replaces the one before; "" takes it back.
 */
export const deadMansSwitch = (url: string): ((text: string) => void) => {
  let armed: AbortController | undefined;
  return (text) => {
    armed?.abort();
    if (text) {
      armed = new AbortController();
      try {
        (globalThis as unknown as { fetchLater: FetchLater }).fetchLater(url, {
          ...post(text, armed.signal),
          activateAfter: ACTIVATE_MS,
        });
      } catch {
        // Its quota is somebody else's, or the page's policy forbids it: what is stored is enough.
      }
    }
  };
};
