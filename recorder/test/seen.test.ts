import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createSeen, type OnSeen, type Seen } from "../src/seen/createSeen";
import type { Visibility } from "../src/types";
import { type FakeElement, World } from "./world";

const WINDOW_MS = 600_000;

let world: World;
let seen: Seen;
let rule: Visibility;
let reports: Parameters<OnSeen>[];

const ids = () => reports.map(([artworkId]) => artworkId);

/** As the recorder's: what fails stays from the page. */
const guard =
  <A extends unknown[]>(run: (...args: A) => void) =>
  (...args: A) => {
    try {
      run(...args);
    } catch {
      failures++;
    }
  };
let failures = 0;

const create = (onSeen: OnSeen = (...report) => reports.push(report)) => createSeen(() => rule, onSeen, guard);

beforeEach(() => {
  world = new World();
  world.install();
  rule = { ratio: 0.5, ms: 1000 };
  reports = [];
  seen = create();
  seen.resume();
});

afterEach(() => world.restore());

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
    rule = { ratio: 0.333, ms: 250 };
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
    rule = { ratio: 0, ms: 1000 };
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
    rule = { ratio: 0.5, ms: 1000, large: 0.3 };
    seen.observe(world.element(725, 250, { width: 970 }), "large");
    seen.observe(world.element(725, 250, { width: 969 }), "not large");
    world.frame();
    world.pass(1000);
    assert.deepEqual(reports, [["large", { visible: 0.3, dwellMs: 1000 }]]);
  });

  test("any share of large artworks is exact, too", () => {
    rule = { ratio: 0.5, ms: 1000, large: 0.35 };
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
    rule = { ratio: 0.5, ms: 0 };
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
    seen = create();
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
    seen = create((...report) => {
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
    seen = create((...report) => {
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
    seen = create((...report) => {
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
    seen = create();
    seen.observe(world.element(0, 400), "a")();
    seen.resume();
    seen.pause();
    seen.stop();
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
    rule = { ratio: 0.33, ms: 200 };
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
    rule = { ratio: 0.9, ms: 500 };
    world.pass(5000);
    assert.deepEqual(ids(), []);
  });
});
