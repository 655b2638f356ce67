import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { WINDOW_MS, begin, ids, judgeBy, reports, seen, world } from "./stage";
import type { FakeElement } from "./world";

describe("what isn't drawn", () => {
  for (const [name, hide] of [
    ["display:none", (element: FakeElement) => (element.displayed = false)],
    ["removed from the page", (element: FakeElement) => (element.isConnected = false)],
  ] as const) {
    test(`${name} ends the clock`, () => {
      const element = world.element(0, 400);
      seen.observe(element, "a");
      world.frame();
      world.pass(500);
      hide(element);
      world.frame();
      assert.equal(world.timers, 0);
      world.pass(5000);
      assert.deepEqual(ids(), []);
    });

    test(`${name} just before the decision is noticed without a frame`, () => {
      const element = world.element(0, 400);
      seen.observe(element, "a");
      world.frame();
      world.pass(999);
      hide(element);
      world.pass(1);
      assert.deepEqual(ids(), []);
    });
  }

  test("what is shown later is seen from then on", () => {
    const element = world.element(0, 400);
    element.displayed = false;
    seen.observe(element, "a");
    world.frame();
    world.pass(5000);
    element.displayed = true;
    world.frame();
    world.pass(999);
    assert.deepEqual(ids(), []);
    world.pass(1);
    assert.deepEqual(ids(), ["a"]);
  });

  test("what is transparent at the decision isn't seen, but may be later", () => {
    const element = world.element(0, 400);
    element.transparent = true;
    seen.observe(element, "a");
    world.frame();
    world.pass(3500);
    assert.deepEqual(ids(), []);
    element.transparent = false;
    world.pass(1000);
    assert.deepEqual(reports, [["a", { visible: 1, dwellMs: 1000 }]]);
  });

  test("a rule without time looks again ten times a second at what isn't drawn", () => {
    judgeBy({ ratio: 0.5, ms: 0 });
    const element = world.element(0, 400);
    element.transparent = true;
    seen.observe(element, "a");
    world.frame();
    world.pass(950);
    assert.deepEqual(ids(), []);
    element.transparent = false;
    world.pass(50);
    assert.deepEqual(reports, [["a", { visible: 1, dwellMs: 100 }]]);
  });

  test("browsers without checkVisibility go by what is observed", () => {
    const element = world.element(0, 400);
    element.checkVisibility = undefined!;
    seen.observe(element, "a");
    world.frame();
    world.pass(1000);
    assert.deepEqual(ids(), ["a"]);
  });
});

describe("pages that nobody looks at", () => {
  test("it begins paused: nothing is seen before somebody says that the page is visible", () => {
    begin();
    seen.observe(world.element(0, 400), "a");
    world.frame();
    world.pass(5000);
    assert.equal(world.timers, 0);
    seen.resume();
    world.pass(999);
    assert.deepEqual(ids(), []);
    world.pass(1);
    assert.deepEqual(reports, [["a", { visible: 1, dwellMs: 1000 }]]);
  });

  test("hidden midway through the second: it begins again at 0", () => {
    seen.observe(world.element(0, 400), "a");
    world.frame();
    world.pass(600);
    seen.pause();
    assert.equal(world.timers, 0);
    world.pass(30_000);
    seen.resume();
    world.pass(999);
    assert.deepEqual(ids(), []);
    world.pass(1);
    assert.deepEqual(reports, [["a", { visible: 1, dwellMs: 1000 }]]);
  });

  test("what became visible while nobody looked begins when somebody does", () => {
    seen.pause();
    seen.observe(world.element(0, 400), "a");
    world.frame({ deliver: false });
    world.pass(30_000);
    seen.resume();
    world.deliver();
    world.pass(999);
    assert.deepEqual(ids(), []);
    world.pass(1);
    assert.deepEqual(ids(), ["a"]);
  });

  test("a frame that began before somebody looked doesn't count from its beginning", () => {
    seen.pause();
    seen.observe(world.element(0, 400), "a");
    world.pass(300);
    seen.resume();
    world.frame({ began: 0 });
    world.pass(999);
    assert.deepEqual(ids(), []);
    world.pass(1);
    assert.deepEqual(ids(), ["a"]);
  });

  test("a pause takes what the browser hasn't told yet", () => {
    seen.observe(world.element(0, 400), "stays");
    seen.observe(world.element(400, 400), "leaves");
    world.frame();
    world.now = 900;
    world.scroll(0, { deliver: false });
    world.scroll(-400, { deliver: false });
    world.now = 1000;
    seen.pause();
    assert.deepEqual(reports, [["stays", { visible: 1, dwellMs: 1000 }]]);
  });

  test("a page that is hidden isn't looked at, even if it may be recorded from now on", () => {
    seen.pause();
    seen.observe(world.element(0, 400), "a");
    world.frame();
    world.visibilityState = "hidden";
    seen.resume();
    world.pass(5000);
    assert.deepEqual(ids(), []);
    assert.equal(world.timers, 0);
    world.visibilityState = "visible";
    seen.resume();
    world.pass(1000);
    assert.deepEqual(reports, [["a", { visible: 1, dwellMs: 1000 }]]);
  });

  test("pausing twice, and resuming twice, changes nothing", () => {
    seen.observe(world.element(0, 400), "a");
    world.frame();
    seen.pause();
    seen.pause();
    seen.resume();
    world.pass(500);
    seen.resume();
    world.pass(500);
    assert.deepEqual(ids(), ["a"]);
  });
});

describe("again", () => {
  test("what stays is reported once, for however long it stays", () => {
    seen.observe(world.element(0, 400), "a");
    world.frame();
    world.pass(3 * WINDOW_MS);
    world.scroll(150);
    world.scroll(0);
    world.pass(3 * WINDOW_MS);
    assert.deepEqual(ids(), ["a"]);
  });

  for (const [name, leave, enter] of [
    ["left", () => world.scroll(5000), () => world.scroll(0)],
    ["was left", () => seen.pause(), () => seen.resume()],
  ] as const) {
    test(`what ${name}, and is seen again within the window, is no news`, () => {
      seen.observe(world.element(0, 400), "a");
      world.frame();
      world.pass(1000);
      leave();
      world.pass(WINDOW_MS - 1001);
      enter();
      world.pass(1000);
      assert.equal(world.now, 1000 + WINDOW_MS - 1);
      assert.deepEqual(ids(), ["a"]);
    });

    test(`what ${name}, and is seen again after the window, is`, () => {
      seen.observe(world.element(0, 400), "a");
      world.frame();
      world.pass(1000);
      leave();
      world.pass(WINDOW_MS - 1000);
      enter();
      world.pass(1000);
      assert.deepEqual(ids(), ["a", "a"]);
    });
  }

  test("an artwork in two elements is one, within the window", () => {
    seen.observe(world.element(0, 400), "a");
    seen.observe(world.element(400, 400), "a");
    world.frame();
    world.pass(1000);
    assert.deepEqual(ids(), ["a"]);
  });

  test("a look back at something kept is apart from the first look", () => {
    seen.observe(world.element(0, 400), "a");
    seen.observe(world.element(400, 400), "a", { surface: "replay" });
    world.frame();
    world.pass(1000);
    assert.deepEqual(
      reports.map(([artworkId, { surface }]) => [artworkId, surface]),
      [
        ["a", undefined],
        ["a", "replay"],
      ],
    );
  });

  test("a clock that is set changes nothing", () => {
    seen.observe(world.element(0, 400), "a");
    world.frame();
    world.pass(1000);
    world.scroll(5000);
    const early = Date.now() - 10 * WINDOW_MS;
    Date.now = () => early;
    world.scroll(0);
    world.pass(1000);
    assert.deepEqual(ids(), ["a"]);
  });
});
