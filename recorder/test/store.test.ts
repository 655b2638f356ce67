import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Entry } from "../src/entry";
import { claim } from "../src/store/claim";
import { excess } from "../src/store/excess";

const NOW = 1_800_000_000_000;

const entry = (id: string, more: Partial<Entry> = {}): Entry => ({
  to: "https://c.example u1",
  id,
  i: "{}",
  h: "",
  b: 100,
  at: NOW,
  n: 0,
  by: "tab",
  since: NOW,
  ...more,
});

const ids = (entries: Entry[]) => entries.map((each) => each.id);

describe("a claim", () => {
  test("takes the oldest of the tab's own, and counts the attempt before it is made", () => {
    const all = ["a", "b", "c"].map((id) => entry(id));
    const found = claim(all, "tab", 2, NOW);
    assert.deepEqual(ids(found), ["a", "b"]);
    assert.deepEqual([all[0]!.n, all[1]!.n, all[2]!.n], [1, 1, 0]);
  });

  test("leaves what another tab has, for ten seconds without a word", () => {
    const all = [entry("a", { by: "other", since: NOW - 10_000 }), entry("b", { by: "other", since: NOW - 10_001 })];
    const found = claim(all, "tab", 9, NOW);
    assert.deepEqual(ids(found), ["b"]);
    assert.equal(all[1]!.by, "tab");
    assert.equal(all[1]!.since, NOW);
  });

  test("waits for nobody because a clock was set back", () => {
    const found = claim([entry("a", { by: "other", since: NOW + 3_600_000 })], "tab", 9, NOW);
    assert.deepEqual(ids(found), ["a"]);
  });

  test("of what was tried twenty times, it takes once in three minutes", () => {
    const often = { n: 20 };
    assert.deepEqual(ids(claim([entry("a", { ...often, since: NOW - 180_000 })], "tab", 9, NOW)), []);
    assert.deepEqual(ids(claim([entry("a", { ...often, since: NOW - 180_001 })], "tab", 9, NOW)), ["a"]);
    assert.deepEqual(ids(claim([entry("a", { n: 19, since: NOW - 1 })], "tab", 9, NOW)), ["a"]);
  });

  test("takes only what shares a flush with the oldest", () => {
    const all = [entry("a", { h: "one" }), entry("b", { h: "other" }), entry("c", { h: "one" })];
    assert.deepEqual(ids(claim(all, "tab", 9, NOW)), ["a", "c"]);
    assert.equal(all[1]!.n, 0);
    assert.deepEqual(claim([], "tab", 9, NOW), []);
  });
});

describe("what exceeds the caps", () => {
  const caps = { maxBytes: 300, maxEntries: 4, maxAgeMs: 1000 };
  const over = (entries: Entry[], more = {}) => excess(entries, { ...caps, ...more }, NOW).map(([each, why]) => [each.id, why]);

  test("nothing at the caps", () => {
    assert.deepEqual(over([entry("a"), entry("b"), entry("c", { at: NOW - 1000 })]), []);
  });

  test("the oldest go first, however they are stored", () => {
    assert.deepEqual(over([entry("c"), entry("d"), entry("a"), entry("b")]), [["a", "bytes"]]);
    assert.deepEqual(over(["e", "d", "c", "b", "a"].map((id) => entry(id, { b: 1 }))), [["a", "entries"]]);
  });

  test("what is too old goes, wherever it stands, and makes room for the rest", () => {
    assert.deepEqual(over([entry("a"), entry("b"), entry("c", { at: NOW - 1001 }), entry("d")]), [
      ["a", "bytes"],
      ["c", "age"],
    ]);
    assert.deepEqual(over([entry("a", { at: NOW - 1001 }), entry("b"), entry("c"), entry("d")]), [["a", "age"]]);
  });

  test("one that is larger than the cap goes by itself", () => {
    assert.deepEqual(over([entry("a", { b: 301 })]), [["a", "bytes"]]);
  });
});
