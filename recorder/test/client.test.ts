import assert from "node:assert/strict";
import { test } from "node:test";
import { client } from "../src/client";

const AGENTS: [string, string | undefined][] = [
  ["Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", "firefox-153"],
  ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36", "chrome-156"],
  ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15", "webkit-18"],
  ["curl/8.0", undefined],
];

test("the browser's family and major version, as an id", () => {
  for (const [userAgent, expected] of AGENTS) {
    Object.defineProperty(globalThis, "navigator", { value: { userAgent }, configurable: true });
    assert.equal(client(), expected);
  }
});
