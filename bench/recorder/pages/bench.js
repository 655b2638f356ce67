// What the pages under measurement share. It is loaded before the recorder.
"use strict";

const sleep = (ms) => new Promise((resolve) => (window.quietTimeout || setTimeout)(resolve, ms));

/** Wait until a condition holds; looks are rare, so that they cost nothing. */
const until = async (done, ms = 30000) => {
  const deadline = performance.now() + ms;
  while (!done()) {
    if (performance.now() > deadline) throw new Error("not in time: " + done);
    await sleep(20);
  }
};

const open = (endpoint, userId, options) =>
  ImpressionRecorder.createRecorder({ endpoint, userId, poolId: "main", surface: "gallery", config: false, ...options });

const artwork = (number) => "a" + String(number).padStart(5, "0");

/** Record `count` artworks from `first` on, as one stop of a scroll does: in one task, with what `observe` adds. */
const stop = (recorder, first, count) => {
  for (let n = 0; n < count; n++) recorder.record(artwork(first + n), { dwellMs: 1000 + (n % 40), visible: 0.5 + (n % 50) / 100, position: n });
};

/** Record in stops of six, each a task of its own. */
const record = async (recorder, first, count) => {
  for (let at = 0; at < count; at += 6) {
    stop(recorder, first + at, Math.min(6, count - at));
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
};

/** Record and flush as often, each time waiting for the acknowledgement. */
const cycle = async (recorder, size, times) => {
  for (let n = 0; n < times; n++) {
    await record(recorder, n * size, size);
    await recorder.flush();
    await until(() => recorder.stats().pending == 0);
  }
};
