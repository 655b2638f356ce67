/**
 * A page that consists of rectangles, with a clock that only moves when a test moves it, and the IntersectionObserver
 * of the specification. That it behaves like a browser's is what `tests/browsers/scenarios/seen.py` is for.
 */
export class World {
  visibilityState = "visible";
  now = 0;
  scrolled = 0;
  viewport = { width: 1000, height: 800 };
  /** As in a frame of another origin, which isn't told the viewport of the page. */
  foreign = false;
  #timers = new Map<number, { run: () => void; at: number }>();
  #lastTimer = 0;
  #observers: Observer[] = [];
  #restores: (() => void)[] = [];

  install() {
    const observers = this.#observers;
    const replaced = {
      IntersectionObserver: class extends Observer {
        constructor(callback: IntersectionObserverCallback, options: { threshold: number[] }) {
          super(callback, options);
          observers.push(this);
        }
      },
      document: this,
      performance: { now: () => this.now },
      setTimeout: (run: () => void, ms: number) => {
        this.#timers.set(++this.#lastTimer, { run, at: this.now + Math.max(0, Math.trunc(ms)) });
        return this.#lastTimer;
      },
      clearTimeout: (id: number) => this.#timers.delete(id),
      innerWidth: this.viewport.width,
      innerHeight: this.viewport.height,
    };
    for (const [name, value] of Object.entries(replaced)) {
      const before = Object.getOwnPropertyDescriptor(globalThis, name);
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
      this.#restores.push(() => {
        if (before) Object.defineProperty(globalThis, name, before);
        else delete (globalThis as Record<string, unknown>)[name];
      });
    }
    const { now } = Date;
    Date.now = () => 1_700_000_000_000 + this.now;
    this.#restores.push(() => (Date.now = now));
  }

  restore() {
    this.#restores.splice(0).forEach((restore) => restore());
  }

  get observed() {
    return this.#observers.reduce((sum, observer) => sum + observer.size, 0);
  }

  get timers() {
    return this.#timers.size;
  }

  element(top: number, height: number, { width = 500, left = 0, artwork }: Partial<Box & { artwork: string }> = {}) {
    return new FakeElement({ top, left, width, height }, artwork) as FakeElement & Element;
  }

  /** Time passes; timers run when they are due, or all at the end, as on a busy main thread. */
  pass(ms: number, { busy = false } = {}) {
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

  /** The browser draws: observers notice what has changed, and are told, unless the main thread is too busy. */
  frame({ deliver = true, began = this.now } = {}) {
    for (const observer of this.#observers) observer.look(this, began);
    if (deliver) this.deliver();
  }

  deliver(arrange = (entries: IntersectionObserverEntry[]) => entries) {
    for (const observer of this.#observers) {
      const entries = observer.takeRecords();
      if (entries.length) observer.callback(arrange(entries), observer as unknown as IntersectionObserver);
    }
  }

  scroll(to: number, options?: { deliver: boolean }) {
    this.scrolled = to;
    this.frame(options);
  }
}

interface Box {
  top: number;
  left: number;
  width: number;
  height: number;
}

export class FakeElement {
  isConnected = true;
  displayed = true;
  transparent = false;
  given: Record<string, string> = {};

  constructor(
    public rect: Box,
    artwork?: string,
  ) {
    if (artwork) this.given["data-artwork"] = artwork;
  }

  getAttribute(name: string) {
    return this.given[name] ?? null;
  }

  checkVisibility({ opacityProperty }: CheckVisibilityOptions) {
    return this.isConnected && this.displayed && !(opacityProperty && this.transparent);
  }
}

class Observer {
  #targets = new Map<WeakRef<FakeElement>, number>();
  #queue: IntersectionObserverEntry[] = [];
  thresholds: number[];

  constructor(
    public callback: IntersectionObserverCallback,
    { threshold }: { threshold: number[] },
  ) {
    if (threshold.some((step) => !(step >= 0 && step <= 1))) throw new RangeError("threshold");
    this.thresholds = [...threshold].sort((a, b) => a - b);
  }

  observe(element: FakeElement) {
    // Browsers don't keep what they observe alive.
    if (!this.#find(element)) this.#targets.set(new WeakRef(element), -1);
  }

  unobserve(element: FakeElement) {
    this.#targets.delete(this.#find(element)!);
  }

  disconnect() {
    this.#targets.clear();
  }

  get size() {
    return this.#targets.size;
  }

  takeRecords() {
    return this.#queue.splice(0);
  }

  look(world: World, time: number) {
    for (const [reference, before] of this.#targets) {
      const target = reference.deref();
      if (!target) continue;
      const entry = intersect(world, target, time);
      const above = this.thresholds.findIndex((step) => step > entry.intersectionRatio);
      const index = !entry.isIntersecting ? 0 : above < 0 ? this.thresholds.length : above;
      if (index === before) continue;
      this.#targets.set(reference, index);
      this.#queue.push(entry);
    }
  }

  #find(element: FakeElement) {
    return [...this.#targets.keys()].find((reference) => reference.deref() === element);
  }
}

/** An entry as in the specification: touching is intersecting, and what has no area has ratio 1 then. */
function intersect(world: World, target: FakeElement, time: number): IntersectionObserverEntry {
  const { viewport, scrolled, foreign } = world;
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
    time,
    isIntersecting,
    intersectionRatio: !isIntersecting ? 0 : area ? (width * height) / area : 1,
    boundingClientRect: box,
    intersectionRect: isIntersecting ? { top, left, width, height } : none,
    rootBounds: foreign ? null : { top: 0, left: 0, ...viewport },
  } as unknown as IntersectionObserverEntry;
}
