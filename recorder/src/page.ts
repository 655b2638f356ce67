import type { Reason } from "./types";

/**
 * Call back at each turn of the page's life: hidden or leaving; shown again (from the back/forward cache: 1), or online.
 * Returns what stops it.
 *
 * On `window`: there is no pagehide on `document` (analytics-next#714). Both visibilitychange and pagehide: Safari
 * misses the former when it closes, phones the latter. Never `unload` or `beforeunload`: they keep pages out of the
 * back/forward cache. `pageshow` counts only if the page was kept (web-vitals#785); listeners stay, since `{once: true}`
 * would miss the second exit.
 */
export const watch = (hide: (reason: Reason) => void, show: (kept: number) => void): (() => void) => {
  const aborter = new AbortController();
  const on = (event: string, act: (event: Event) => void) =>
    addEventListener(event, act, { capture: true, signal: aborter.signal });
  on("visibilitychange", () => (document.visibilityState == "hidden" ? hide("hidden") : show(0)));
  on("freeze", () => hide("hidden"));
  on("pagehide", () => hide("pagehide"));
  on("pageshow", (event) => (event as PageTransitionEvent).persisted && show(1));
  on("online", () => show(0));
  return () => aborter.abort();
};

/** Do something once the page is there for somebody: now, or after a prerender's activation. */
export const whenActive = (act: () => void): void => {
  if ((document as { prerendering?: boolean }).prerendering) document.addEventListener("prerenderingchange", act, { once: true });
  else act();
};
