import { TEXT } from "./fetch";

/**
 * Hand a text to the browser, to be sent whenever. True says only that it took it: it may be offline, or a blocker
 * (uAssets#11272). As text/plain, since JSON would need a preflight that no longer happens (posthog-js#4139).
 */
export const beacon = (url: string, text: string): boolean => {
  try {
    return navigator.sendBeacon(url, new Blob([text], { type: TEXT["Content-Type"] }));
  } catch {
    return false;
  }
};
