// A page that is left while it records.
"use strict";

/** Record stops, [[ms, artworks], ...], and note what became of them until now. */
const visit = (endpoint, user, options, stops) => {
  const recorder = (window.recorder = open(endpoint, user, options));
  const known = { recorded: {}, acknowledged: [] };
  recorder.on("record", ({ impressionId, seenAt }) => (known.recorded[impressionId] = seenAt));
  recorder.on("acknowledged", ({ impressionIds }) => known.acknowledged.push(...impressionIds));
  let first = 0;
  for (const [at, count] of stops) {
    const from = first;
    first += count;
    setTimeout(() => stop(recorder, from, count), at);
  }
  window.known = known;
};

/** Leave in a moment; return what is known, and the time. */
const leave = (url) => {
  if (url) setTimeout(() => (location.href = url), 0);
  return { ...known, at: Date.now() };
};
