import assert from "node:assert/strict";
import { test } from "node:test";
import { entry } from "../src/entry";
import { head } from "../src/head";
import { impression } from "../src/impression";
import { bytesOf } from "../src/text";
import type { Options, RecordOptions } from "../src/types";

const options = { endpoint: "https://c.example", userId: "u1", poolId: "main", surface: "gallery" } as Options;
const written = (given: RecordOptions = {}, defaults: Options = options) => JSON.parse(impression("i1", "a1", 5, given, defaults));
const BARE = { endpoint: "", userId: "u1" };

test("an impression has what the contract names, and pool and surface of the recorder", () => {
  assert.deepEqual(written({ dwellMs: 1200.4, visible: 0.8, position: 3 }), {
    impression_id: "i1",
    artwork_id: "a1",
    seen_at: 5,
    pool_id: "main",
    dwell_ms: 1200,
    visible: 0.8,
    position: 3,
    surface: "gallery",
  });
  assert.deepEqual(written({ poolId: "other", surface: "replay" }, BARE), {
    impression_id: "i1",
    artwork_id: "a1",
    seen_at: 5,
    pool_id: "other",
    surface: "replay",
  });
});

test("optional values that the stream would refuse are left out", () => {
  for (const wrong of [NaN, -1, Infinity, 1e16]) {
    assert.deepEqual(written({ dwellMs: wrong, position: wrong }, BARE), { impression_id: "i1", artwork_id: "a1", seen_at: 5 });
  }
  for (const wrong of [NaN, -0.1, 1.1]) assert.ok(!("visible" in written({ visible: wrong })));
});

test("`extra` travels along: one level, and never instead of a field of ours", () => {
  const extra = { note: "x", n: 5, yes: true, deep: { a: { b: 1 } }, list: [1], artwork_id: "b", toJSON: () => 5 };
  assert.deepEqual(written({ extra }, BARE), { note: "x", n: 5, yes: true, impression_id: "i1", artwork_id: "a1", seen_at: 5 });
});

test("half a surrogate pair would make the whole line malformed", () => {
  const text = impression("i1", "a\ud800b", 5, { extra: { note: "\udc00" } }, BARE);
  assert.equal(text, '{"note":"\ufffd","impression_id":"i1","artwork_id":"a\ufffdb","seen_at":5}');
});

test("bytes are those of UTF-8, and one impression has at most 16 KiB", () => {
  assert.equal(bytesOf("é漢😀"), 9);
  assert.equal(entry("to", "tab", "", "i", "漢")!.b, 3);
  assert.ok(entry("to", "tab", "", "i", "x".repeat(16_384)));
  assert.equal(entry("to", "tab", "", "i", "x".repeat(16_385)), null);
});

test("a flush's head leaves out what would reject it whole", () => {
  Object.defineProperty(globalThis, "navigator", { value: { userAgent: "" }, configurable: true });
  const parsed = (text: string) => JSON.parse(`{${text}"end":1}`);
  assert.deepEqual(parsed(head("s1", "pro", { a: "b", "c d": "e", f: "" })), { session_id: "s1", tier: "pro", experiments: { a: "b" }, end: 1 });
  assert.deepEqual(parsed(head("not an id", "gold")), { experiments: {}, end: 1 });
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`e${n}`, "v"]));
  assert.equal(Object.keys(parsed(head("s1", "free", many)).experiments).length, 16);
});
