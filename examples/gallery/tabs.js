// @ts-check
/** What the tabs of one visitor tell each other. */

export class Tabs {
  /**
   * @param {string} user
   * @param {{seen: (artworkId: string) => void, counted: () => void}} heard
   */
  constructor(user, heard) {
    this.channel = new BroadcastChannel(`gallery/${user}`);
    this.channel.onmessage = ({ data }) => (data.seen ? heard.seen(data.seen) : heard.counted());
  }

  /** This tab has shown it. @param {string} artworkId */
  seen(artworkId) {
    this.channel.postMessage({ seen: artworkId });
  }

  /** The collector has acknowledged something. */
  counted() {
    this.channel.postMessage({});
  }
}

/**
 * Open the same page again; returns how many the browser let through: most ask before a page may open several.
 * @param {string} url
 * @param {number} count
 */
export function openTabs(url, count) {
  let opened = 0;
  for (let n = 0; n < count; n++) opened += window.open(url, "_blank") ? 1 : 0;
  return opened;
}
