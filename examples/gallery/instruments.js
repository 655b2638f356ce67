// @ts-check
import { find } from "./page.js";

/**
 * @typedef {import("../../recorder/src/types").Recorder} Recorder
 * @typedef {{seen: number, size: number}} Visit
 */

const OF_RECORDER = /** @type {const} */ (["recorded", "stored", "sent", "acknowledged", "pending"]);
// An answer reflects an impression within 250 ms nearly always. So it is asked for then, once more for other tabs'
// impressions, and again only while it lacks some of this tab's: a page that nobody scrolls asks for nothing.
const ASKED_AFTER_MS = [400, 1_600, 4_000, 10_000, 20_000];
const ASKED_ANYWAY = 2;

/** The numbers at the foot of the page: this tab's from the recorder, the visitor's from the collector. */
export class Instruments {
  /** @type {Recorder | null} */
  #recorder = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** What the visitor had seen before this tab recorded anything; null until that is known. @type {number | null} */
  #before = null;
  #drawing = false;
  /** What the collector last said; null until it has. @type {Visit | null} */
  visit = null;

  /**
   * @param {import("./api.js").Api} api
   * @param {(visit: Visit) => void} changed
   */
  constructor(api, changed) {
    this.api = api;
    this.changed = changed;
  }

  /** Show this recorder's numbers from now on. @param {Recorder} recorder */
  follow(recorder) {
    this.#recorder = recorder;
    for (const event of /** @type {const} */ (["record", "stored", "sent", "acknowledged", "failed", "dropped"])) {
      recorder.on(event, () => this.#draw());
    }
    this.#draw();
  }

  /** The collector has something new of this visitor. @param {number} times how often it was asked for already */
  ask(times = 0) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      await this.refresh();
      const { acknowledged = 0, rejected = 0 } = this.#recorder?.stats() ?? {};
      const lacks = (this.visit?.seen ?? 0) - (this.#before ?? 0) < acknowledged - rejected;
      const again = times + 1 < (lacks ? ASKED_AFTER_MS.length : ASKED_ANYWAY);
      if (again) this.ask(times + 1);
    }, ASKED_AFTER_MS[times]);
  }

  /** Ask the collector now. What it can't say stays as it was. */
  async refresh() {
    const visit = await this.#visit().catch(() => null);
    if (!visit) return;
    this.visit = visit;
    this.#before ??= visit.seen;
    const share = visit.size ? visit.seen / visit.size : 0;
    find("number", "coverage").textContent = `${(100 * share).toFixed(1)} %`;
    find("number", "unseen").textContent = (visit.size - visit.seen).toLocaleString("en");
    find("bar", "coverage").style.transform = `scaleX(${share})`;
    this.changed(visit);
  }

  async #visit() {
    const coverage = await this.api.coverage();
    // Before the first impression there is no row that says how large the pool is.
    return coverage
      ? { seen: coverage.seen, size: coverage.pool_size }
      : { seen: 0, size: await this.api.unseenCount() };
  }

  #draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      const stats = this.#recorder?.stats();
      if (!stats) return;
      for (const name of OF_RECORDER) find("number", name).textContent = stats[name].toLocaleString("en");
      find("number", "pending").parentElement?.toggleAttribute("data-waiting", stats.pending > 0);
    });
  }
}
