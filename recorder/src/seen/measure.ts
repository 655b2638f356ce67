export interface Measured {
  /** Share that is visible of all that could be visible at once: 0 to 1; NaN if that is nothing. */
  _visible: number;
  /** Of the whole element, in square CSS pixels. */
  _area: number;
}

/**
 * How much of an element is visible.
 *
 * Never by `isIntersecting`, nor by `intersectionRatio`: the former is true for an element that only touches the
 * viewport (mdn/content#41554), the latter is 1 for one without an area (w3c/IntersectionObserver#69, amphtml#29946).
 *
 * For an element that is taller or wider than the viewport, no more counts than what can be visible at once, or an
 * artwork of three viewports would never reach a half (w3c/IntersectionObserver#124).
 */
export function measure(entry: IntersectionObserverEntry): Measured {
  const { width, height } = entry.boundingClientRect;
  const seen = entry.intersectionRect;
  // Frames of another origin aren't told the page's viewport: their own is what they know.
  const viewport = entry.rootBounds || { width: innerWidth, height: innerHeight };
  const most = Math.min(width, viewport.width) * Math.min(height, viewport.height);
  return {
    _visible: Math.min(1, (seen.width * seen.height) / most),
    _area: width * height,
  };
}
