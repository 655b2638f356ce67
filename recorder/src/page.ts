type Act = () => void;

/**
 * Call back at each turn of the page's life: hidden, leaving, shown, back from the back/forward cache, online again.
 * Returns what stops it.
 *
 * On `window`: there is no pagehide on `document` (analytics-next#714). Both visibilitychange and pagehide: Safari
 * misses the former when it closes, phones the latter. Never `unload` or `beforeunload`: they keep pages out of the
 * back/forward cache. `pageshow` counts only if the page was kept (web-vitals#785); listeners stay, since `{once: true}`
 * would miss the second exit.
 */
export const watch = (hide: Act, leave: Act, show?: Act, back?: Act, online?: Act): Act => {
  const aborter = new AbortController();
  const on = (target: EventTarget, event: string, listener?: (event: Event) => void) =>
    listener && target.addEventListener(event, listener, { capture: true, signal: aborter.signal });
  on(document, "visibilitychange", () => (document.visibilityState == "hidden" ? hide() : show?.()));
  on(document, "freeze", hide);
  on(window, "pagehide", leave);
  on(window, "pageshow", (event) => (event as PageTransitionEvent).persisted && back?.());
  on(window, "online", online);
  return () => aborter.abort();
};

/** Do something once the page is there for somebody: now, or after a prerender's activation. */
export const whenActive = (act: Act): void => {
  if ((document as { prerendering?: boolean }).prerendering) document.addEventListener("prerenderingchange", act, { once: true });
  else act();
};
