// Counts whatever wakes a page up: timers, frames, idle callbacks, observers, requests. It is loaded first.
"use strict";

let woken = {};
/** The bench's own timers, which don't count. */
window.quietTimeout = window.setTimeout.bind(window);
const count = (name) => (woken[name] = (woken[name] || 0) + 1);

for (const name of ["setTimeout", "setInterval", "requestAnimationFrame", "requestIdleCallback"]) {
  const before = window[name].bind(window);
  window[name] = (callback, ...given) =>
    before((...args) => {
      count(name);
      return callback(...args);
    }, ...given);
}
for (const [owner, name] of [[window, "fetch"], [window, "fetchLater"], [Navigator.prototype, "sendBeacon"]]) {
  const before = owner[name];
  if (before)
    owner[name] = function (...given) {
      count(name);
      return before.apply(this, given);
    };
}
const Observer = window.IntersectionObserver;
window.IntersectionObserver = class extends Observer {
  constructor(callback, options) {
    super((...given) => (count("IntersectionObserver"), callback(...given)), options);
  }
};
