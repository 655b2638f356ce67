import type { Visibility } from "../types";

/**
 * The ratios at which the browser tells us about an element.
 *
 * Tenths, so that `visible` is right to a tenth, and the rule's own shares, so that the rule is exact. The first step
 * above 0 is tiny: an element that only touches the viewport has ratio 0, too (mdn/content#41554), and without that
 * step, the browser would not tell when it moves on into the viewport.
 *
 * An element larger than the viewport has small ratios only (w3c/IntersectionObserver#124), so it needs small steps: a
 * thousandth of an artwork of ten viewports is a hundredth of a viewport.
 */
export function ladder({ ratio, large = ratio }: Visibility, oversized?: boolean): number[] {
  const steps = oversized ? 1000 : 10;
  return [1e-6, ratio, large, ...Array.from({ length: steps + 1 }, (_, step) => step / steps)];
}
