import { tried } from "../tried";

/**
 * Hand a text to the browser, to be sent whenever. True says only that it took it: it may be offline, or a blocker
 * (uAssets#11272). A text goes as text/plain; JSON would need a preflight that no longer happens (posthog-js#4139).
 */
export const beacon = (url: string, text: string): boolean | undefined => tried(() => navigator.sendBeacon(url, text));
