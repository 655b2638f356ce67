/**
 * A page that consists of rectangles, with a clock that only moves when a test moves it, and the IntersectionObserver
 * of the specification. That it behaves like a browser's is what `tests/browsers/scenarios/seen.py` is for.
 */
export class World {
  now = 0;
  scrolled = 0;
  viewport = { width: 1000, height: 800 };
  /** As in a frame of another origin, which isn't told the viewport of the page. */
  foreign = false;
  #timers = new Map();
  #lastTimer = 0;
  #observers = [];
  #saved = {};

  install() {
    const world = this;
    const replaced = {
      IntersectionObserver: class extends Observer {
        constructor(callback, options) {
          super(callback, options);
          world.#observers.push(this);
        }
      },
      performance: { now: () => this.now },
      setTimeout: (run, ms) => {
        this.#timers.set(++this.#lastTimer, { run, at: this.now + Math.max(0, Math.trunc(ms)) });
        return this.#lastTimer;
      },
      clearTimeout: (id) => this.#timers.delete(id),
      innerWidth: this.viewport.width,
      innerHeight: this.viewport.height,
    };
    for (const [name, value] of Object.entries(replaced)) {
      this.#saved[name] = Object.getOwnPropertyDescriptor(globalThis, name);
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    }
    this.#saved.dateNow = Date.now;
    Date.now = () => 1_700_000_000_000 + this.now;
  }

  restore() {
    const { dateNow, ...saved } = this.#saved;
    Date.now = dateNow;
    for (const [name, descriptor] of Object.entries(saved)) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else delete globalThis[name];
    }
  }

  get timers() {
    return this.#timers.size;
  }

  element(top, height, { width = 500, left = 0, ...rest } = {}) {
    return new FakeElement({ top, left, width, height }, rest);
  }

  /** Time passes; timers run when they are due, or all at the end, as on a busy main thread. */
  pass(ms, { busy = false } = {}) {
    const end = this.now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.now = busy ? end : Math.max(this.now, due[1].at);
      due[1].run();
    }
    this.now = end;
  }

  /** The browser draws: observers notice what has changed, and are told, unless the main thread is too busy for that. */
  frame({ deliver = true } = {}) {
    for (const observer of this.#observers) observer.look(this);
    if (deliver) this.deliver();
  }

  deliver(arrange = (entries) => entries) {
    for (const observer of this.#observers) {
      const entries = observer.takeRecords();
      if (entries.length) observer.callback(arrange(entries), observer);
    }
  }

  scroll(to, options) {
    this.scrolled = to;
    this.frame(options);
  }
}

class FakeElement {
  isConnected = true;
  displayed = true;
  transparent = false;
  attributes = {};

  constructor(rect, { artwork } = {}) {
    this.rect = rect;
    if (artwork) this.attributes["data-artwork"] = artwork;
  }

  getAttribute(name) {
    return this.attributes[name] ?? null;
  }

  checkVisibility({ opacityProperty }) {
    return this.isConnected && this.displayed && !(opacityProperty && this.transparent);
  }
}

class Observer {
  #targets = new Map();
  #queue = [];

  constructor(callback, { threshold }) {
    if (threshold.some((step) => !(step >= 0 && step <= 1))) throw new RangeError("threshold");
    this.callback = callback;
    this.thresholds = [...threshold].sort((a, b) => a - b);
  }

  observe(element) {
    // Browsers don't keep what they observe alive.
    if (!this.#find(element)) this.#targets.set(new WeakRef(element), -1);
  }

  unobserve(element) {
    this.#targets.delete(this.#find(element));
  }

  disconnect() {
    this.#targets.clear();
  }

  takeRecords() {
    return this.#queue.splice(0);
  }

  look(world) {
    for (const [reference, before] of this.#targets) {
      const target = reference.deref();
      if (!target) continue;
      const entry = intersect(world, target);
      const above = this.thresholds.findIndex((step) => step > entry.intersectionRatio);
      const index = !entry.isIntersecting ? 0 : above < 0 ? this.thresholds.length : above;
      if (index === before) continue;
      this.#targets.set(reference, index);
      this.#queue.push(entry);
    }
  }

  #find(element) {
    return [...this.#targets.keys()].find((reference) => reference.deref() === element);
  }
}

/** An entry as in the specification: touching is intersecting, and what has no area has ratio 1 then. */
function intersect({ viewport, scrolled, now, foreign }, target) {
  const none = { top: 0, left: 0, width: 0, height: 0 };
  const drawn = target.isConnected && target.displayed;
  const box = drawn ? { ...target.rect, top: target.rect.top - scrolled } : none;
  const top = Math.max(0, box.top);
  const left = Math.max(0, box.left);
  const height = Math.min(viewport.height, box.top + box.height) - top;
  const width = Math.min(viewport.width, box.left + box.width) - left;
  const isIntersecting = drawn && height >= 0 && width >= 0;
  const area = box.width * box.height;
  return {
    target,
    time: now,
    isIntersecting,
    intersectionRatio: !isIntersecting ? 0 : area ? (width * height) / area : 1,
    boundingClientRect: box,
    intersectionRect: isIntersecting ? { top, left, width, height } : none,
    rootBounds: foreign ? null : { top: 0, left: 0, ...viewport },
  };
}
