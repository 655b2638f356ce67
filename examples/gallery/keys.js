// @ts-check
/** Moving between works by keyboard: one stop of the Tab key, and within it the keys of ARIA's feed and grid. */

/**
 * @param {import("./wall.js").Wall} wall
 * @param {() => void} wanted called when someone moves beyond the last work
 */
export function moveByKeys(wall, wanted) {
  wall.element.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const hung = wall.works.filter((work) => work.place);
    const at = hung.findIndex((work) => work.element.contains(document.activeElement));
    const to = target(hung, at, event.key);
    if (to === undefined) return;
    event.preventDefault();
    if (to >= hung.length) wanted();
    const work = hung[Math.min(Math.max(to, 0), hung.length - 1)];
    if (work) goTo(work);
  });

  wall.element.addEventListener("focusin", ({ target: focused }) => {
    const work = wall.works.find(({ element }) => element === focused);
    if (!work) return;
    wall.element.querySelectorAll('[tabindex="0"]').forEach((other) => other.setAttribute("tabindex", "-1"));
    work.element.setAttribute("tabindex", "0");
  });
}

/** @param {import("./work.js").Work} work */
export function goTo(work) {
  work.element.focus({ preventScroll: true });
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  work.element.scrollIntoView({ block: "center", behavior: still ? "instant" : "smooth" });
}

/** @type {(works: import("./work.js").Work[], at: number, key: string) => number | undefined} */
function target(works, at, key) {
  if (at < 0) return ["ArrowDown", "ArrowRight", "PageDown", "Home"].includes(key) ? 0 : undefined;
  switch (key) {
    case "ArrowRight":
    case "PageDown":
      return at + 1;
    case "ArrowLeft":
    case "PageUp":
      return at - 1;
    case "ArrowDown":
      return beside(works, at, 1);
    case "ArrowUp":
      return beside(works, at, -1);
    case "Home":
      return 0;
    case "End":
      return works.length - 1;
    default:
      return undefined;
  }
}

/**
 * The work of the next row whose middle is nearest.
 * @type {(works: import("./work.js").Work[], at: number, step: 1 | -1) => number}
 */
function beside(works, at, step) {
  const from = works[at].place;
  const middle = (/** @type {any} */ place) => place.left + place.width / 2;
  let row = at + step;
  while (works[row]?.place?.top === from?.top) row += step;
  const top = works[row]?.place?.top;
  let best = row;
  for (let n = row; works[n] && works[n].place?.top === top; n += step) {
    if (Math.abs(middle(works[n].place) - middle(from)) < Math.abs(middle(works[best].place) - middle(from))) best = n;
  }
  return best;
}
