// Many recorders beside each other in one page, which all record the same: what each sends, and when it arrives.
"use strict";

/**
 * @param cells {port, flushMs, batchSize, user, asks} of each recorder; `asks`: look until a GET shows what it recorded
 * @param stops [[ms, artworks], ...] of the session
 */
const beside = async (cells, stops) => {
  const lived = cells.map((cell) => live(cell));
  const begun = performance.now();
  let first = 0;
  for (const [at, count] of stops) {
    await sleep(Math.max(0, at - (performance.now() - begun)));
    for (const each of lived) stop(each.recorder, first, count);
    first += count;
  }
  await until(() => lived.every((each) => each.recorder.stats().pending == 0 && !each.asking), 60000);
  return lived.map(({ recorder, found }) => ({ ...found, stats: recorder.stats() }));
};

const live = ({ port, flushMs, batchSize, user, asks }) => {
  const endpoint = "http://127.0.0.1:" + port;
  const recorder = open(endpoint, user, { flushMs, batchSize });
  const found = { flushes: [], acknowledged: [], covered: [], failed: 0, asked: 0 };
  const seen = new Map();
  const self = { recorder, found, asking: 0 };
  let total = 0;
  recorder.on("record", ({ impressionId }) => seen.set(impressionId, performance.now()));
  recorder.on("sent", ({ impressionIds, bytes }) => found.flushes.push([impressionIds.length, bytes]));
  recorder.on("failed", () => found.failed++);
  recorder.on("acknowledged", async ({ impressionIds }) => {
    const now = performance.now();
    const times = impressionIds.map((id) => seen.get(id));
    found.acknowledged.push(...times.map((at) => now - at));
    total += times.length;
    if (!asks) return;
    self.asking++;
    await shown(endpoint, user, total, found);
    found.covered.push(...times.map((at) => performance.now() - at));
    self.asking--;
  });
  return self;
};

const shown = async (endpoint, user, total, found) => {
  const url = endpoint + "/v1/users/" + user + "/coverage?pool=main";
  for (;;) {
    found.asked++;
    const { pools } = await (await fetch(url, { cache: "no-store" })).json();
    if (pools.length && pools[0].seen >= total) return;
    await sleep(10);
  }
};
