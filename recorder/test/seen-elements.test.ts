import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { WINDOW_MS, begin, ids, reports, seen, world } from "./stage";
import type { FakeElement } from "./world";

describe("elements that are used again", () => {
  test("another artwork in the element begins at 0, and the earlier one was not seen", () => {
    const element = world.element(0, 400);
    seen.observe(element, "a");
    world.frame();
    world.pass(900);
    seen.observe(element, "b");
    world.frame();
    world.pass(999);
    assert.deepEqual(ids(), []);
    world.pass(1);
    assert.deepEqual(ids(), ["b"]);
  });

  test("what was visible for long enough is seen, however late the timer", () => {
    const element = world.element(0, 400);
    seen.observe(element, "a");
    world.frame();
    world.now = 1100;
    seen.observe(element, "b");
    assert.deepEqual(ids(), ["a"]);
  });

  test("a frame that began with the earlier artwork doesn't count for the next one from its beginning", () => {
    const element = world.element(0, 400);
    seen.observe(element, "a");
    world.frame({ deliver: false });
    world.pass(600);
    seen.observe(element, "b");
    world.frame({ began: 100 });
    world.pass(999);
    assert.deepEqual(ids(), []);
    world.pass(1);
    assert.deepEqual(ids(), ["b"]);
  });

  test("what left in time is not seen, although the browser hasn't told yet", () => {
    const element = world.element(0, 400);
    const stop = seen.observe(element, "a");
    world.frame();
    world.pass(900);
    world.scroll(5000, { deliver: false });
    world.now = 1100;
    stop();
    assert.deepEqual(ids(), []);
  });

  test("the same artwork again goes on, with its new options", () => {
    const element = world.element(0, 400);
    seen.observe(element, "a", { position: 1 });
    world.frame();
    world.pass(900);
    seen.observe(element, "a", { position: 2, poolId: "main" });
    world.pass(100);
    assert.deepEqual(reports, [["a", { position: 2, poolId: "main", visible: 1, dwellMs: 1000 }]]);
  });

  test("only the latest observation can be stopped", () => {
    const element = world.element(0, 400);
    const stops = [seen.observe(element, "a"), seen.observe(element, "b"), seen.observe(element, "b")];
    stops[0]!();
    stops[1]!();
    world.frame();
    world.pass(1000);
    assert.deepEqual(ids(), ["b"]);
    stops[2]!();
    world.scroll(5000);
    world.pass(WINDOW_MS);
    world.scroll(0);
    world.pass(1000);
    assert.deepEqual(ids(), ["b"]);
  });

  test("a node whose data-artwork names another artwork by now isn't the one that was observed", () => {
    const element = world.element(0, 400, { artwork: "a" });
    seen.observe(element, "a");
    world.frame();
    world.pass(500);
    element.given["data-artwork"] = "b";
    world.pass(5000);
    assert.deepEqual(ids(), []);
    seen.observe(element, "b");
    world.frame();
    world.pass(1000);
    assert.deepEqual(ids(), ["b"]);
  });

  test("a data-artwork that comes after observe() is fine if it names the artwork", () => {
    const element = world.element(0, 400);
    seen.observe(element, "a");
    element.given["data-artwork"] = "a";
    world.frame();
    world.pass(1000);
    assert.deepEqual(ids(), ["a"]);
  });

  test("a data-artwork that never was the artwork's id means something else", () => {
    seen.observe(world.element(0, 400, { artwork: "17" }), "a-17");
    world.frame();
    world.pass(1000);
    assert.deepEqual(ids(), ["a-17"]);
  });
});

describe("the end", () => {
  test("a stopped observation reports nothing, and needs no timer", () => {
    const stop = seen.observe(world.element(0, 400), "a");
    world.frame();
    world.pass(500);
    stop();
    stop();
    assert.equal(world.timers, 0);
    world.frame();
    world.pass(5000);
    assert.deepEqual(ids(), []);
  });

  test("all can be stopped, what the browser hasn't told yet included", () => {
    const element = world.element(0, 400);
    const stop = seen.observe(element, "a");
    world.frame();
    seen.observe(world.element(400, 400), "b");
    world.frame({ deliver: false });
    seen.stop();
    assert.equal(world.timers, 0);
    assert.equal(world.observed, 0);
    world.deliver();
    seen.resume();
    seen.observe(element, "c");
    world.frame();
    world.pass(5000);
    stop();
    assert.deepEqual(ids(), []);
    assert.equal(world.timers, 0);
  });

  test("whoever hears of an artwork may stop its observation", () => {
    let stop: () => void;
    begin((...report) => {
      reports.push(report);
      stop();
    });
    seen.resume();
    const element = world.element(0, 400);
    stop = seen.observe(element, "a");
    seen.observe(world.element(400, 400), "b");
    world.frame();
    world.now = 1000;
    world.scroll(1);
    assert.deepEqual(ids(), ["a", "b"]);
    world.scroll(5000);
    world.pass(WINDOW_MS);
    seen.pause();
    seen.resume();
    world.scroll(0);
    world.pass(1000);
    assert.deepEqual(ids(), ["a", "b", "b"]);
  });

  test("whoever hears of an artwork may stop another, and harms no third", () => {
    let stop: () => void;
    begin((...report) => {
      reports.push(report);
      stop();
    });
    seen.resume();
    seen.observe(world.element(0, 400), "a");
    stop = seen.observe(world.element(650, 400), "b");
    seen.observe(world.element(900, 400), "c");
    world.frame();
    world.now = 1000;
    world.scroll(300);
    world.pass(1000);
    assert.deepEqual(ids(), ["a", "c"]);
  });

  test("elements that are gone are not kept", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc");
    let element: (FakeElement & Element) | undefined = world.element(0, 400);
    const reference = new WeakRef(element);
    seen.observe(element, "a");
    world.frame();
    element.isConnected = false;
    world.frame();
    element = undefined;
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    assert.equal(reference.deref(), undefined);
  });
});

describe("without a break for anybody", () => {
  test("no timer while nothing can become due", () => {
    const timers = () => world.timers;
    for (let number = 0; number < 100; number++) seen.observe(world.element(number * 400, 400), `a${number}`);
    assert.equal(timers(), 0);
    world.frame();
    assert.equal(timers(), 1);
    world.pass(1000);
    assert.deepEqual(ids(), ["a0", "a1"]);
    assert.equal(timers(), 0);
  });

  test("one timer, for the earliest", () => {
    seen.observe(world.element(0, 400), "a");
    seen.observe(world.element(800, 400), "b");
    world.frame();
    world.pass(500);
    world.scroll(200);
    assert.equal(world.timers, 1);
    world.pass(500);
    assert.deepEqual(ids(), ["a"]);
    world.scroll(300);
    world.pass(499);
    assert.deepEqual(ids(), ["a"]);
    world.pass(1);
    assert.deepEqual(ids(), ["a", "b"]);
  });

  test("a listener that throws harms nobody, not the next artwork either", () => {
    begin((...report) => {
      reports.push(report);
      throw new Error("the page's own");
    });
    seen.resume();
    seen.observe(world.element(0, 400), "a");
    seen.observe(world.element(400, 400), "b");
    world.frame();
    world.pass(1000);
    assert.deepEqual(ids(), ["a", "b"]);
  });

  test("without an IntersectionObserver, or an element, nothing happens", () => {
    seen.observe(null!, "a")();
    seen.observe({} as Element, "a")();
    globalThis.IntersectionObserver = undefined!;
    begin();
    seen.observe(world.element(0, 400), "a")();
    seen.resume();
    seen.pause();
    seen.stop();
  });
});
