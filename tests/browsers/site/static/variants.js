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
    noLocks: () => gone(navigator, "locks"),
    noIndexedDb: () => gone(window, "indexedDB"),
  };
  window.variants = variants;
  for (const name of JSON.parse(document.documentElement.dataset.plan).variants) variants[name]();
})();
