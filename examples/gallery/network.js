// @ts-check
/**
 * The switch "offline". While it is on, nothing that this page sends gets out: `fetch` and `XMLHttpRequest` fail as
 * they do without a network, and `sendBeacon` says true and loses the data, which is what browsers do offline. Nothing
 * is held back and sent later: what the recorder delivers afterwards, it has kept itself.
 *
 * This must run before the recorder is loaded. A page may be closed while the switch is on; it is off in the next one.
 */

let offline = false;
let armed = new AbortController();

/** @returns {boolean} */
export const isOffline = () => offline;

/** @param {boolean} on */
export function setOffline(on) {
  if (on === offline) return;
  offline = on;
  if (on) {
    // What was promised to the browser for later (fetchLater) would get out, too.
    armed.abort();
    armed = new AbortController();
  }
  dispatchEvent(new Event(on ? "offline" : "online"));
}

const online = Object.getOwnPropertyDescriptor(Navigator.prototype, "onLine")?.get;
Object.defineProperty(navigator, "onLine", { configurable: true, get: () => !offline && online?.call(navigator) });

const {
  fetch: realFetch,
  XMLHttpRequest: {
    prototype: { send: realSend },
  },
} = window;

window.fetch = (...request) =>
  offline ? Promise.reject(new TypeError("Failed to fetch: this page is switched to offline")) : realFetch(...request);

const realBeacon = navigator.sendBeacon.bind(navigator);
navigator.sendBeacon = (...request) => offline || realBeacon(...request);

XMLHttpRequest.prototype.send = function (body) {
  if (offline) throw new DOMException("This page is switched to offline", "NetworkError");
  realSend.call(this, body);
};

// Only Chromium has it.
const later = /** @type {any} */ (window);
if (later.fetchLater) {
  const realLater = later.fetchLater;
  later.fetchLater = (/** @type {RequestInfo} */ request, /** @type {RequestInit} */ options = {}) => {
    const signals = options.signal ? [armed.signal, options.signal] : [armed.signal];
    return offline ? { activated: false } : realLater(request, { ...options, signal: AbortSignal.any(signals) });
  };
}
