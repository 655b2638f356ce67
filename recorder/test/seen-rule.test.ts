import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ids, judgeBy, reports, seen, world } from "./stage";

describe("the rule", () => {
  test("999 ms are too short, 1,000 ms are enough", () => {
    seen.observe(world.element(0, 400), "a");
    world.frame();
    world.pass(999);
    assert.deepEqual(ids(), []);
    world.pass(1);
    assert.deepEqual(reports, [["a", { visible: 1, dwellMs: 1000 }]]);
  });

  test("0.4999 of it are too little, a half is enough", () => {
    world.viewport.height = 20_000;
    seen.observe(world.element(0, 10_000, { width: 100 }), "a");
    world.scroll(5001);
    world.pass(5000);
    assert.deepEqual(ids(), []);
    world.scroll(5000);
    world.pass(1000);
    assert.deepEqual(reports, [["a", { visible: 0.5, dwellMs: 1000 }]]);
  });

  test("any rule is exact, not only those that are a tenth", () => {
    judgeBy({ ratio: 0.333, ms: 250 });
    seen.observe(world.element(0, 1000, { width: 200 }), "a");
    world.viewport.height = 1000;
    world.scroll(668);
    world.pass(5000);
    assert.deepEqual(ids(), []);
    world.scroll(667);
    world.pass(250);
    assert.deepEqual(reports, [["a", { visible: 0.333, dwellMs: 250 }]]);
  });

  test("time counts only without a break", () => {
    seen.observe(world.element(0, 400), "a");
    world.frame();
    world.pass(900);
    world.scroll(300);
    world.pass(900);
    world.scroll(0);
    world.pass(999);
    assert.deepEqual(ids(), []);
    world.pass(1);
    assert.deepEqual(ids(), ["a"]);
  });

  test("a break is noticed even when all entries come at once", () => {
    seen.observe(world.element(0, 400), "a");
    world.frame();
    world.pass(500);
    world.scroll(1000, { deliver: false });
    world.pass(20);
    world.scroll(0, { deliver: false });
    world.deliver();
    world.pass(999);
    assert.deepEqual(ids(), []);
    world.pass(1);
    assert.deepEqual(ids(), ["a"]);
  });

  test("the last entry by time counts, wherever it stands", () => {
    seen.observe(world.element(0, 400), "a");
    world.frame({ deliver: false });
    world.pass(10);
    world.scroll(1000, { deliver: false });
    world.deliver((entries) => entries.reverse());
    world.pass(5000);
    assert.deepEqual(ids(), []);
  });

  test("what passes by in a fast scroll was not seen", () => {
    for (let number = 0; number < 50; number++) seen.observe(world.element(number * 400, 400), `a${number}`);
    for (let to = 0; to <= 19_200; to += 200) {
      world.scroll(to);
      world.pass(16);
    }
    world.pass(1000);
    assert.deepEqual(ids(), ["a48", "a49"]);
  });

  test("dwell begins with the entry's time, however late the entry comes", () => {
    seen.observe(world.element(0, 400), "a");
    world.frame({ deliver: false });
    world.pass(1300);
    world.deliver();
    assert.deepEqual(reports, [["a", { visible: 1, dwellMs: 1300 }]]);
  });

  test("a timer that is late changes nothing but the dwell", () => {
    seen.observe(world.element(0, 400), "a");
    world.frame();
    world.pass(4000, { busy: true });
    assert.deepEqual(reports, [["a", { visible: 1, dwellMs: 4000 }]]);
  });

  test("what left in time is not seen, although the timer comes before the entry", () => {
    seen.observe(world.element(0, 400), "a");
    world.frame();
    world.pass(990);
    world.scroll(1000, { deliver: false });
    world.pass(100);
    assert.deepEqual(ids(), []);
  });

  test("what left too late is seen, although the entry comes before the timer", () => {
    seen.observe(world.element(0, 400), "a");
    world.frame();
    world.now = 1200;
    world.scroll(1000);
    assert.deepEqual(reports, [["a", { visible: 1, dwellMs: 1200 }]]);
  });
});

describe("sizes", () => {
  test("what has no area is never seen, though its ratio is 1", () => {
    seen.observe(world.element(10, 0), "flat");
    seen.observe(world.element(10, 10, { width: 0 }), "thin");
    world.frame();
    world.pass(5000);
    assert.deepEqual(ids(), []);
  });

  test("what only touches the viewport is never seen, not even by a rule of 0", () => {
    judgeBy({ ratio: 0, ms: 1000 });
    seen.observe(world.element(800, 400), "a");
    world.frame();
    world.pass(5000);
    assert.deepEqual(ids(), []);
    world.scroll(1);
    world.pass(999);
    assert.deepEqual(ids(), []);
    world.pass(1);
    assert.deepEqual(ids(), ["a"]);
  });

  for (const [name, width, height] of [
    ["taller", 1000, 4000],
    ["very much taller", 1000, 100_000],
    ["taller, but narrow", 20, 4000],
    ["taller and wider", 3000, 4000],
  ] as const) {
    test(`an artwork ${name} than the viewport is seen by the half that can be seen`, () => {
      seen.observe(world.element(800, height, { width }), "a");
      world.frame();
      for (const to of [100, 200, 300, 399]) world.scroll(to);
      world.pass(5000);
      assert.deepEqual(ids(), []);
      for (const to of [450, 600]) world.scroll(to);
      world.pass(1000);
      assert.deepEqual(ids(), ["a"]);
      assert.ok(reports[0]![1].visible >= 0.5 && reports[0]![1].visible <= 0.75);
    });
  }

  test("an artwork wider than the viewport is seen by the half that can be seen", () => {
    seen.observe(world.element(800, 400, { width: 9000 }), "a");
    for (const to of [50, 100, 150, 195]) world.scroll(to);
    world.pass(5000);
    assert.deepEqual(ids(), []);
    world.scroll(205);
    world.pass(1000);
    assert.deepEqual(reports, [["a", { visible: 0.513, dwellMs: 1000 }]]);
  });

  test("an element that grows beyond the viewport is judged as such", () => {
    const element = world.element(0, 10, { width: 1000 });
    element.rect.top = 790;
    seen.observe(element, "a");
    world.frame();
    element.rect.height = 8000;
    world.scroll(100);
    world.scroll(500);
    world.scroll(700);
    world.pass(1000);
    assert.deepEqual(ids(), ["a"]);
  });

  test("`large` is for 242,500 square pixels or more", () => {
    judgeBy({ ratio: 0.5, ms: 1000, large: 0.3 });
    seen.observe(world.element(725, 250, { width: 970 }), "large");
    seen.observe(world.element(725, 250, { width: 969 }), "not large");
    world.frame();
    world.pass(1000);
    assert.deepEqual(reports, [["large", { visible: 0.3, dwellMs: 1000 }]]);
  });

  test("any share of large artworks is exact, too", () => {
    judgeBy({ ratio: 0.5, ms: 1000, large: 0.35 });
    seen.observe(world.element(800, 500, { width: 600 }), "a");
    for (const to of [155, 174]) world.scroll(to);
    world.pass(5000);
    assert.deepEqual(ids(), []);
    world.scroll(175);
    world.pass(1000);
    assert.deepEqual(reports, [["a", { visible: 0.35, dwellMs: 1000 }]]);
  });

  test("in a frame of another origin, the frame is the viewport", () => {
    world.foreign = true;
    seen.observe(world.element(400, 4000, { width: 1000 }), "a");
    world.frame();
    world.pass(1000);
    assert.deepEqual(reports, [["a", { visible: 0.5, dwellMs: 1000 }]]);
  });

  test("`visible` is at most 1, and has three digits", () => {
    seen.observe(world.element(-100, 300), "a");
    world.frame();
    world.pass(1000);
    assert.equal(reports[0]![1].visible, 0.667);
  });
});

describe("a rule that changes, as when the collector's configuration comes", () => {
  test("a laxer one holds at once for what is visible, and for what comes", () => {
    const visible = world.element(558, 780, { width: 100 });
    seen.observe(visible, "visible");
    seen.observe(world.element(5000, 780, { width: 100 }), "comes");
    world.frame();
    visible.rect.top = 500;
    world.frame();
    world.pass(3000);
    judgeBy({ ratio: 0.33, ms: 200 });
    seen.resume();
    world.frame();
    assert.equal(world.observed, 2);
    world.pass(200);
    assert.deepEqual(ids(), ["visible"]);
    world.scroll(4440);
    world.frame();
    world.pass(200);
    assert.deepEqual(ids(), ["visible"]);
    world.scroll(4465);
    world.pass(200);
    assert.deepEqual(reports[1], ["comes", { visible: 0.34, dwellMs: 200 }]);
  });

  test("what left before isn't seen because of it", () => {
    seen.observe(world.element(0, 400), "a");
    world.frame();
    world.pass(990);
    world.scroll(5000, { deliver: false });
    world.now = 1005;
    seen.resume();
    assert.deepEqual(ids(), []);
  });

  test("a stricter one ends clocks that it doesn't allow", () => {
    seen.observe(world.element(400, 700, { width: 100 }), "a");
    world.frame();
    world.pass(500);
    judgeBy({ ratio: 0.9, ms: 500 });
    world.pass(5000);
    assert.deepEqual(ids(), []);
  });
});
