import assert from "node:assert/strict";
import { test } from "node:test";
import { isId, uuid7 } from "../src/ids";

const FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("ids are UUIDs of version 7, and ids of the stream", () => {
  for (const now of [0, 1, 1_732_431_600_123, 2 ** 48 - 1]) {
    const id = uuid7(now);
    assert.match(id, FORM);
    assert.ok(isId(id));
    assert.equal(parseInt(id.slice(0, 13).replace("-", ""), 16), now);
  }
});

test("ids sort by time, and no two are the same", () => {
  const ids = Array.from({ length: 1000 }, (_, n) => uuid7(1_732_431_600_000 + n));
  assert.deepEqual([...ids].sort(), ids);
  assert.equal(new Set(Array.from({ length: 10_000 }, () => uuid7(5))).size, 10_000);
});

test("what the stream takes as an id", () => {
  for (const id of ["a", "a.b:c-d_E9", "x".repeat(128)]) assert.ok(isId(id), id);
  for (const id of ["", "x".repeat(129), "a b", "é", "a\n", 5, null, undefined, {}]) assert.ok(!isId(id), String(id));
});
