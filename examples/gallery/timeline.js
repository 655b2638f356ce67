// @ts-check
import { artwork } from "./art/artwork.js";
import { find, onClick } from "./page.js";
import { make } from "./work.js";

const PAGE = 30;
export const TIMELINE_PATH = "/v1/users/{user}/history";
const clock = new Intl.DateTimeFormat("en-GB", {
  weekday: "short",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/**
 * What the visitor has seen, newest first, in a dialog.
 * @param {import("./api.js").Api} api
 * @param {import("./painter.js").Painter} painter
 */
export function offerTimeline(api, painter) {
  const dialog = /** @type {HTMLDialogElement} */ (find("dialog", "timeline"));
  const list = find("list", "timeline");
  const earlier = find("button", "earlier");
  /** @type {string | null} */
  let cursor = null;

  async function more() {
    const page = await api.history(PAGE, cursor).catch((error) => {
      list.append(make("li", "", {}, error.message));
      return { items: [], next: null };
    });
    cursor = page.next;
    earlier.hidden = cursor === null;
    list.append(...page.items.map((item) => entry(item, painter)));
    if (!list.childElementCount) list.append(make("li", "", {}, "Nothing yet."));
  }

  onClick("timeline", () => {
    list.replaceChildren();
    cursor = null;
    earlier.hidden = true;
    dialog.showModal();
    more();
  });
  onClick("earlier", more);
  onClick("close", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  find("button", "timeline").hidden = false;
}

/** @type {(item: import("./api.js").Shown, painter: import("./painter.js").Painter) => HTMLElement} */
function entry(item, painter) {
  const work = artwork(item.artwork_id);
  const [row, frame, text] = [make("li", ""), make("span", "frame"), make("span", "")];
  const sheet = /** @type {HTMLCanvasElement} */ (make("canvas", "", { role: "img", "aria-label": work.description }));
  const at = make("time", "", { datetime: new Date(item.seen_at).toISOString() }, clock.format(item.seen_at));
  if (!item.fresh) at.append(", again");
  frame.append(sheet);
  text.append(make("span", "title", {}, work.title), at);
  row.append(frame, text);
  painter.watch(sheet, item.artwork_id);
  return row;
}
