import type { ObserveOptions, Visibility } from "../types";
import { between } from "../between";
import { measure } from "./measure";
import { shown } from "./shown";

/** What was seen, and how: `visible` from 0 to 1, `dwellMs` from when the rule began to hold. */
export type OnSeen = (artworkId: string, options: ObserveOptions & { visible: number; dwellMs: number }) => void;

export interface Seen {
  /** Report the artwork once it was seen in this element. An element that is known gets another artwork. Stops it. */
  observe(element: Element, artworkId: string, options?: ObserveOptions): () => void;
  /** Nobody looks: report what was seen by now, and forget how long the rest was visible. */
  pause(): void;
  /** Somebody may look: what is visible begins at 0, unless the page is hidden. Also for a rule that has changed. */
  resume(): void;
  /** For good. */
  stop(): void;
}

interface Target {
  readonly _element: Element;
  readonly _artworkId: string;
  /** Whose they are, observes it: another call to `observe` has others. */
  _options?: ObserveOptions;
  /** The element's `data-artwork` when it was observed: another one later means another artwork. */
  _mark?: string | null;
  _visible?: number;
  _area?: number;
  /** Since when the rule holds, as by performance.now(). */
  _since?: number | undefined;
  /** Reported, and has been visible ever since. */
  _done?: boolean;
  /** No clock begins earlier: when it was observed. */
  readonly _from: number;
}

type Guard = <A extends unknown[]>(run: (...args: A) => void) => (...args: A) => void;

/** From this area on, in square CSS pixels, MRC calls an ad large (970 x 250). */
const LARGE_AREA = 242_500;

/** The stream's window in ms: an artwork that is seen again within it is a duplicate there, so it isn't reported. */
const WINDOW_MS = 600_000;

const MARK = "data-artwork";

/**
 * The ratios at which the browser tells us about an element: thousandths, so that every rule is exact, and `visible`, too.
 * An element larger than the viewport has small ratios only (w3c/IntersectionObserver#124), and needs them. The first step
 * is tiny: an element that only touches the viewport has ratio 0, too (mdn/content#41554), and without that step,
 * the browser would not tell when it moves on into the viewport.
 */
const LADDER = Array.from({ length: 1001 }, (_, step) => step / 1000 || 1e-6);

/** When to look again (ms) at what isn't drawn although it should be seen. */
const AGAIN_MS = 100;

/**
 * Tells when elements were seen by `rule()`, which may answer differently later. It begins paused: whoever knows that
 * the page is visible, activated and allowed to record, calls `resume()`.
 *
 * An element:  unseen --share reached--> visible (its clock runs) --ms later--> done
 *              visible --share lost, paused--> unseen;  done --not visible at all, paused--> unseen
 *
 * Times are compared, never counted by timers: a timer only wakes us, late at times, and there is none unless a clock
 * runs. Nothing keeps an element alive that isn't in the viewport, and `guard` keeps what fails from the page.
 */
export function createSeen(rule: () => Visibility, onSeen: OnSeen, guard: Guard): Seen {
  const targets = new WeakMap<Element, Target>();
  const inView = new Set<Target>();
  /** When an artwork was last reported. */
  const reported = new Map<string, number>();
  let observer: IntersectionObserver | undefined;
  let running = false;
  let resumedAt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** Bring a target to that time, by what is visible of it: start or end its clock, report it. When to look again. */
  const step = (target: Target, at: number): number => {
    const { ratio, large = ratio, ms } = rule();
    const { _element: element, _artworkId: artworkId, _options: options, _visible: visible = 0 } = target;
    if (!running || target._done || !(visible > 0 && visible >= (target._area! >= LARGE_AREA ? large : ratio))) {
      target._since = undefined;
      return Infinity;
    }
    const since = (target._since ??= at);
    if (at < since + ms) return since + ms;
    if (![target._mark, artworkId].includes(element.getAttribute(MARK)) || !shown(element)) {
      // A list gave the node to another artwork (virtual-scroller#150), and will tell us; or it may appear later.
      target._since = at;
      return at + (ms || AGAIN_MS);
    }
    target._done = true;
    // A look back at something kept is judged by itself.
    const key = artworkId + (options!.surface == "replay");
    const now = performance.now();
    if (!(reported.get(key)! > now - WINDOW_MS)) {
      reported.set(key, now);
      guard(onSeen)(artworkId, { ...options, visible: between(1, visible, 0), dwellMs: at - since });
    }
    return Infinity;
  };

  /** Bring all to the present, and sleep until the next may be due. */
  const update = guard((told: IntersectionObserverEntry[] = []): void => {
    const entries = told.concat(observer?.takeRecords() || []);
    // All of a target's entries, by time: the first may be stale (react-use#2376), and one between may be a break.
    for (const entry of entries.sort((one, other) => one.time - other.time)) {
      const target = targets.get(entry.target);
      if (!target) continue;
      // An entry's time is when its frame began, which is earlier than what the page did since, on a busy main thread.
      // And some browsers deliver entries of the time when the page was hidden (spaniel#129).
      const at = Math.max(entry.time, resumedAt, target._from);
      step(target, at);
      // Whoever hears of it may have stopped it.
      if (targets.get(entry.target) != target) continue;
      Object.assign(target, measure(entry));
      inView.add(target);
      if (!target._visible) target._done = !inView.delete(target);
      step(target, at);
    }
    const now = performance.now();
    let next = Infinity;
    for (const target of inView) next = Math.min(next, step(target, now));
    clearTimeout(timer);
    if (next < Infinity) timer = setTimeout(update, Math.ceil(next - now));
  });

  const forget = (target: Target): void => {
    update();
    targets.delete(target._element);
    inView.delete(target);
    observer!.unobserve(target._element);
    update();
  };

  return {
    observe(element, artworkId, given) {
      const options = { ...given };
      guard(() => {
        // No function of this call: that would keep its element for as long as the observer lives.
        observer ||= new IntersectionObserver(update, { threshold: LADDER });
        let target = targets.get(element);
        if (target?._artworkId != artworkId) {
          if (target) forget(target);
          target = { _element: element, _artworkId: artworkId, _from: performance.now() };
        }
        target._options = options;
        target._mark = element.getAttribute(MARK);
        targets.set(element, target);
        observer.observe(element);
      })();
      // Who observed last stops it: frameworks render anew before they clean up.
      return guard(() => {
        const target = targets.get(element);
        if (target?._options == options) forget(target);
      });
    },
    pause() {
      update();
      running = false;
      for (const target of inView) target._done = false;
      update();
    },
    resume() {
      if (!running) resumedAt = performance.now();
      // Whoever calls may mean another obstacle that is gone, such as consent that was given in a hidden page.
      running = document.visibilityState != "hidden";
      update();
    },
    stop() {
      update();
      // What is queued is delivered even now; nothing is visible twice.
      rule = () => ({ ratio: 2 }) as Visibility;
      observer?.disconnect();
      update();
    },
  };
}
