// @ts-check
import { layout } from "./layout.js";
import { Work } from "./work.js";

// In a window as narrow as this, which page.css names too, each work has a row of its own.
const NARROW = matchMedia("(max-width: 40rem)");
// What a row's height comes close to, the gap between works, and the room below a work with its label; in rem.
const [ROW, GAP, BELOW] = [27, 2.75, 3.25 + 2.75];
const BELOW_SINGLE = 3.25 + 1.5;

/** The works in their places. */
export class Wall {
  /** @type {Work[]} */
  works = [];
  #last = false;
  #width = 0;

  /**
   * @param {HTMLElement} element
   * @param {(work: Work) => void} hung called once for each work, when it has its place
   */
  constructor(element, hung) {
    this.element = element;
    this.hung = hung;
    new ResizeObserver(() => {
      if (element.clientWidth !== this.#width) this.#keepingView(() => this.#arrange());
    }).observe(element);
  }

  /** @param {string[]} ids */
  add(ids) {
    this.works.push(...ids.map((id) => new Work(id)));
    this.#arrange();
  }

  /** No more works come: the last row hangs as it is. */
  finish() {
    this.#last = true;
    this.#arrange();
  }

  /** @param {string} id */
  find(id) {
    return this.works.find((work) => work.id === id);
  }

  /** Take a work away that another tab has shown, unless it hangs where it might be in view. @param {Work} work */
  remove(work) {
    if (work.place && this.element.getBoundingClientRect().top + work.place.top < 2 * innerHeight) return false;
    work.stop();
    work.element.remove();
    this.works.splice(this.works.indexOf(work), 1);
    this.#arrange();
    return true;
  }

  #arrange() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    this.#width = this.element.clientWidth;
    const single = NARROW.matches;
    const { places, height } = layout(
      this.works.map((work) => work.art.ratio),
      {
        width: this.#width,
        height: Math.min(ROW * rem, 0.62 * innerHeight + 6 * rem),
        gap: GAP * rem,
        below: (single ? BELOW_SINGLE : BELOW) * rem,
        single,
        last: this.#last,
      },
    );
    this.element.style.height = `${height}px`;
    places.forEach((place, n) => {
      const work = this.works[n];
      work.hang(place);
      work.element.setAttribute("aria-posinset", String(n + 1));
      work.element.setAttribute("aria-setsize", this.#last ? String(this.works.length) : "-1");
      if (!work.element.isConnected) {
        this.element.append(work.element);
        this.hung(work);
      }
    });
    if (!this.element.querySelector('[tabindex="0"]')) this.works[0]?.element.setAttribute("tabindex", "0");
  }

  /** The work that was at the top stays there. @param {() => void} change */
  #keepingView(change) {
    const top = -this.element.getBoundingClientRect().top;
    const work = this.works.find(({ place }) => place && place.top + place.height > top);
    const before = top > 0 && work?.place ? (top - work.place.top) / work.place.height : null;
    change();
    if (before !== null && work?.place) {
      const now = -this.element.getBoundingClientRect().top;
      scrollBy({ top: work.place.top + before * work.place.height - now, behavior: "instant" });
    }
  }
}
