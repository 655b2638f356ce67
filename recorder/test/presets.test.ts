import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveVisibility } from "../src/seen/presets";
import type { Visibility } from "../src/types";

test("half of it for a second, unless somebody says otherwise", () => {
  const usual = { ratio: 0.5, ms: 1000, large: 0.5 };
  assert.deepEqual(resolveVisibility(), usual);
  assert.deepEqual(resolveVisibility(null), usual);
  assert.deepEqual(resolveVisibility("no such preset" as "mrc"), usual);
  assert.deepEqual(resolveVisibility("mrc"), usual);
});

test("MRC's rule for large ads is 30 %", () => {
  assert.deepEqual(resolveVisibility("mrc-large"), { ratio: 0.5, ms: 1000, large: 0.3 });
});

test("what is given wins over the default, to a thousandth", () => {
  assert.deepEqual(resolveVisibility({ ms: 0 }), { ratio: 0.5, ms: 0, large: 0.5 });
  assert.deepEqual(resolveVisibility({ ratio: 1, large: 0.2 }), { ratio: 1, ms: 1000, large: 0.2 });
  assert.deepEqual(resolveVisibility({ ratio: 1 / 3 }), { ratio: 0.333, ms: 1000, large: 0.333 });
});

test("what makes no sense is as if it were left out", () => {
  for (const ratio of [50, -1, NaN, "0.5", null]) assert.equal(resolveVisibility({ ratio } as Visibility).ratio, 0.5);
  for (const ms of [-1, NaN, Infinity, 3e9, "10", null]) assert.equal(resolveVisibility({ ms } as Visibility).ms, 1000);
  for (const large of [30, null]) assert.equal(resolveVisibility({ ratio: 0.4, large } as Visibility).large, 0.4);
});
