// @ts-check

// So many works a page of the API: about sixteen rows, enough for a while without a network.
const PAGE = 48;

/** The works that the visitor has not seen, page by page; none comes twice. */
export class Feed {
  /** @type {string | null} */
  #cursor = null;
  /** Whether all pages have been read. */
  done = false;

  /**
   * @param {import("./api.js").Api} api
   * @param {Set<string>} known artworks that must not come, whatever the collector says; those that came are added
   */
  constructor(api, known) {
    this.api = api;
    this.known = known;
  }

  /** The next works; none if there are no more. Fails with what `Api` fails with, and can then be asked again. */
  async more() {
    /** @type {string[]} */
    const ids = [];
    while (ids.length === 0 && !this.done) {
      const page = await this.api.unseen(PAGE, this.#cursor);
      ids.push(...page.items.map((item) => item.artwork_id).filter((id) => !this.known.has(id)));
      this.#cursor = page.next;
      this.done = page.next === null;
    }
    ids.forEach((id) => this.known.add(id));
    return ids;
  }
}
