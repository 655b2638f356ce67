/** What a page's life asks of a recorder. */
export interface Life {
  _hide(): void;
  _show(): void;
  _leave(): void;
  /** Back from the back/forward cache. */
  _return(): void;
  _online(): void;
}

/**
 * Call back at each turn of the page's life. Returns what stops it.
 *
 * On `window`: there is no pagehide on `document` (analytics-next#714). Both visibilitychange and pagehide: Safari
 * misses the former when it closes, phones the latter. Never `unload` or `beforeunload`: they keep pages out of the
 * back/forward cache. `pageshow` counts only if the page was kept (web-vitals#785); listeners stay, since `{once: true}`
 * would miss the second exit.
 */
export const watch = (life: Life): (() => void) => {
  const aborter = new AbortController();
  const on = (target: EventTarget, event: string, listener: (event: Event) => void) =>
    target.addEventListener(event, listener, { capture: true, signal: aborter.signal });
  on(document, "visibilitychange", () => (document.visibilityState == "hidden" ? life._hide() : life._show()));
  on(document, "freeze", life._hide);
  on(window, "pagehide", life._leave);
  on(window, "pageshow", (event) => (event as PageTransitionEvent).persisted && life._return());
  on(window, "online", life._online);
  return () => aborter.abort();
};
