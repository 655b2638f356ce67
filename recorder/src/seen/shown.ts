/**
 * Whether the element is drawn at all. An IntersectionObserver also reports what is transparent or hidden by CSS
 * (walkerOS#695). Chrome before 121, Firefox before 122 and Safari before 17.4 don't know these options: there, it is
 * what the IntersectionObserver says.
 */
export function shown(element: Element): boolean {
  return element.checkVisibility?.({ opacityProperty: true, visibilityProperty: true }) !== false;
}
