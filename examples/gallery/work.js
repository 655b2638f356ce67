// @ts-check
import { artwork } from "./art/artwork.js";

/** Not seen; recorded, and kept in this browser; acknowledged. @typedef {"new" | "kept" | "counted"} State */

const SAID = { new: "Not seen yet.", kept: "Seen, and kept in this browser.", counted: "Seen, and counted." };

/** One work on the wall: its sheet, and a label below it. */
export class Work {
  /** @type {State} */
  state = "new";
  /** @type {import("./layout.js").Place | null} */
  place = null;
  /** Stops the recorder's watching. @type {() => void} */
  stop = () => {};

  /** @param {string} id */
  constructor(id) {
    this.id = id;
    this.art = artwork(id);
    this.element = make("article", "work", {
      tabindex: "-1",
      "aria-labelledby": `${id}-title`,
      "aria-describedby": `${id}-state`,
    });
    this.sheet = /** @type {HTMLCanvasElement} */ (
      make("canvas", "sheet", { role: "img", "aria-label": this.art.description })
    );
    this.sheet.style.backgroundColor = this.art.palette.paper;
    this.mark = make("span", "mark", { "data-state": "new" });
    this.said = make("span", "unseen-text", { id: `${id}-state` }, SAID.new);
    const label = make("div", "label");
    label.append(
      this.mark,
      make("h3", "title", { id: `${id}-title`, title: this.art.title }, this.art.title),
      make("span", "number", {}, `No. ${Number(/\d+$/.exec(id)?.[0] ?? 0)}`),
      this.said,
    );
    this.element.append(this.sheet, label);
  }

  /** @param {import("./layout.js").Place} place */
  hang(place) {
    this.place = place;
    const { style } = this.element;
    style.transform = `translate(${place.left}px, ${place.top}px)`;
    style.width = `${place.width}px`;
    this.sheet.style.height = `${place.height}px`;
  }

  /** @param {State} state */
  set(state) {
    this.state = state;
    this.mark.dataset.state = state;
    this.said.textContent = SAID[state];
  }
}

/**
 * @param {string} tag
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @param {string} text
 */
export function make(tag, name, attributes = {}, text = "") {
  const element = document.createElement(tag);
  element.className = name;
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  element.textContent = text;
  return element;
}
