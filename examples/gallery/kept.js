// @ts-check
/**
 * What this visitor has seen in this browser and the collector's answers may not know yet: while it waits to be sent,
 * and for a minute after that. One entry an impression, so that tabs don't overwrite each other's.
 */

const SETTLED_MS = 60_000;

export class Kept {
  /** @param {string} user */
  constructor(user) {
    this.prefix = `gallery/${user}/`;
  }

  /**
   * @param {string} impressionId
   * @param {string} artworkId
   */
  add(impressionId, artworkId) {
    this.#write(impressionId, { artworkId, until: 0 });
  }

  /** The collector has it: its answers say so within moments. @param {string} impressionId */
  settle(impressionId) {
    this.#try((store) => {
      const entry = store.getItem(this.prefix + impressionId);
      if (entry) this.#write(impressionId, { ...JSON.parse(entry), until: Date.now() + SETTLED_MS });
    });
  }

  /** The artworks that must not be shown, whatever the collector says. */
  artworks() {
    /** @type {Set<string>} */
    const found = new Set();
    this.#try((store) => {
      for (const key of Object.keys(store).filter((each) => each.startsWith(this.prefix))) {
        const { artworkId, until } = JSON.parse(store.getItem(key) ?? "{}");
        if (until && until < Date.now()) store.removeItem(key);
        else found.add(artworkId);
      }
    });
    return found;
  }

  /** @type {(impressionId: string, entry: object) => void} */
  #write(impressionId, entry) {
    this.#try((store) => store.setItem(this.prefix + impressionId, JSON.stringify(entry)));
  }

  /**
   * Storage may be denied or full: then the collector's answers are all there is.
   * @param {(store: Storage) => void} use
   */
  #try(use) {
    try {
      use(localStorage);
    } catch (error) {
      console.info("the gallery keeps no list in this browser:", String(error));
    }
  }
}
