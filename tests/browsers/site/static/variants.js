/**
 * What is wrong with some browsers, by name: a page's plan names those that it has, before its recorder loads.
 */
"use strict";
(() => {
  const gone = (target, name) => Object.defineProperty(target, name, { value: undefined, configurable: true });
  const variants = {
    /** An extension that drops beacons, as several do. */
    beaconLies: () => (navigator.sendBeacon = () => true),
    beaconMissing: () => gone(navigator, "sendBeacon"),
    /** A browser that doesn't know keepalive ignores it: such a fetch dies with the page. */
    noKeepalive() {
      delete Request.prototype.keepalive;
      const native = window.fetch.bind(window);
      window.fetch = (input, { keepalive, ...init } = {}) => native(input, init);
    },
    noFetchLater: () => gone(window, "fetchLater"),
    noCompression: () => gone(window, "CompressionStream"),
    /** Compression that takes bytes and never gives any. */
    gzipHangs: () => (window.CompressionStream = class extends TransformStream {
      constructor() {
        super({ transform: () => new Promise(() => undefined) });
      }
    }),
    /** Counts the timers that are set, and knows those that wait: each with its ms. */
    countTimers() {
      const waiting = new Map();
      // WebKitWebDriver sets one in the page for each script that it runs: WebDriver's script time-out.
      const drivers = 30_000;
      let set = 0;
      const { setTimeout: later, clearTimeout: never, setInterval: often, clearInterval: nomore } = window;
      const noted = (id, ms) => {
        if (ms !== drivers) {
          set += 1;
          waiting.set(id, ms);
        }
        return id;
      };
      window.setTimeout = (act, ms, ...args) => {
        const id = later(() => (waiting.delete(id), act(...args)), ms);
        return noted(id, ms);
      };
      window.setInterval = (act, ms, ...args) => noted(often(act, ms, ...args), ms);
      window.clearTimeout = (id) => (waiting.delete(id), never(id));
      window.clearInterval = (id) => (waiting.delete(id), nomore(id));
      window.page.timers = () => [...waiting.values()];
      window.page.timersSet = () => set;
    },
    noLocks: () => gone(navigator, "locks"),
    noIndexedDb: () => gone(window, "indexedDB"),
  };
  window.variants = variants;
  for (const name of JSON.parse(document.documentElement.dataset.plan).variants) variants[name]();
})();
