import type { ObserveOptions, Visibility } from "../types";
import { ladder } from "./ladder";
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
  _artworkId: string;
  _options?: ObserveOptions | undefined;
  /** Its `data-artwork` named this artwork when it was observed: another name would mean another artwork. */
  _marked?: boolean;
  /** When it was observed, as by performance.now(). */
  readonly _from: number;
  _observer?: IntersectionObserver;
  _oversized?: boolean;
  _visible: number;
  _area?: number;
  /** Since when the rule holds, as by performance.now(). */
  _since?: number | undefined;
  /** Reported, and has been visible ever since. */
  _done?: boolean;
  _stop?: () => void;
}

/** From this area on, in square CSS pixels, MRC calls an ad large (970 x 250). */
const LARGE_AREA = 242_500;

/** The stream's window in ms: an artwork that is seen again within it is a duplicate there, so it isn't reported. */
const WINDOW_MS = 600_000;

const MARK = "data-artwork";

/**
 * Tells when elements were seen by `rule()`, which may answer differently later. It begins paused: whoever knows that
 * the page is visible, activated and allowed to record, calls `resume()`.
 *
 * An element:  unseen --share reached--> visible (its clock runs) --ms later--> done
 *              visible --share lost, paused--> unseen;  done --not visible at all, paused--> unseen
 *
 * Times are compared, never counted by timers: a timer only wakes us, late at times, and there is none unless a clock
 * runs. Nothing here throws into the page, and nothing keeps an element alive that isn't in the viewport.
 */
export function createSeen(rule: () => Visibility, onSeen: OnSeen): Seen {
  let targets = new WeakMap<Element, Target>();
  const inView = new Set<Target>();
  /** When an artwork was last reported, oldest first, for as long as the window. */
  const reported = new Map<string, number>();
  const observers: IntersectionObserver[] = [];
  /** The two observers of the present rule, for usual and for oversized elements. */
  let current: (IntersectionObserver | undefined)[] = [];
  let steps = "";
  let running = false;
  let stopped = false;
  let resumedAt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const tell = guard(onSeen);

  const create = (threshold: number[]): IntersectionObserver => {
    const observer = new IntersectionObserver(guard(heard), { threshold });
    observers.push(observer);
    return observer;
  };

  /** Let the browser tell us about the target by the steps of the present rule. */
  const follow = (target: Target): void => {
    const present = rule();
    const key = `${present.ratio} ${present.large}`;
    if (key !== steps) {
      steps = key;
      current = [];
    }
    const observer = (current[+!target._oversized] ??= create(ladder(present, target._oversized)));
    if (target._observer !== observer) {
      target._observer?.unobserve(target._element);
      target._observer = observer;
      observer.observe(target._element);
    }
  };

  const report = (target: Target, dwellMs: number): void => {
    const now = Date.now();
    // A look back at something kept is judged by itself (contract §4.8). No id has a space in it.
    const key = (target._options?.surface === "replay" ? "replay " : "") + target._artworkId;
    for (const [name, at] of reported) {
      // A clock that was set back must not silence an artwork for longer than the window.
      if (Math.abs(now - at) >= WINDOW_MS) reported.delete(name);
    }
    if (!reported.has(key)) {
      reported.set(key, now);
      tell(target._artworkId, {
        ...target._options,
        visible: Math.round(target._visible * 1000) / 1000,
        dwellMs: Math.round(dwellMs),
      });
    }
  };

  /** Report the target if it has been visible for long enough at that time. */
  const settle = (target: Target, at: number): void => {
    if (target._since === undefined) return;
    const dwellMs = at - target._since;
    if (!(dwellMs >= rule().ms)) return;
    const mark = target._marked && target._element.getAttribute(MARK);
    if ((mark && mark !== target._artworkId) || !shown(target._element)) {
      // A list gave the node to another artwork (virtual-scroller#150), and will tell us; or it may appear later.
      target._since = at;
    } else {
      target._since = undefined;
      target._done = true;
      report(target, dwellMs);
    }
  };

  /** Start or end the target's clock at that time, by what is visible of it. */
  const judge = (target: Target, at: number): void => {
    const { ratio, large = ratio } = rule();
    const enough = target._visible > 0 && target._visible >= (target._area! >= LARGE_AREA ? large : ratio);
    target._since = running && enough && !target._done ? (target._since ?? at) : undefined;
  };

  const read = (entries: IntersectionObserverEntry[]): void => {
    // All of a target's entries, by time: the first may be stale (react-use#2376), and one between may be a break.
    for (const entry of entries.sort((one, other) => one.time - other.time)) {
      const target = targets.get(entry.target);
      if (!target) continue;
      // An entry's time is when its frame began, which is earlier than what the page did since, on a busy main thread.
      // And some browsers deliver entries of the time when the page was hidden (spaniel#129).
      const at = Math.max(entry.time, resumedAt, target._from);
      settle(target, at);
      // Whoever hears of it may have stopped it.
      if (targets.get(entry.target) !== target) continue;
      Object.assign(target, measure(entry));
      if (target._visible > 0) {
        inView.add(target);
      } else {
        inView.delete(target);
        target._done = false;
      }
      judge(target, at);
      follow(target);
    }
  };

  /** Bring all targets in view up to date, and sleep until the next of them may be due. */
  const update = (): void => {
    for (const observer of observers) read(observer.takeRecords());
    const now = performance.now();
    let since = Infinity;
    for (const target of inView) {
      judge(target, now);
      settle(target, now);
      since = Math.min(since, target._since ?? since);
    }
    clearTimeout(timer);
    if (since < Infinity) timer = setTimeout(wake, Math.ceil(since + rule().ms - now));
  };

  const heard = (entries: IntersectionObserverEntry[]): void => {
    read(entries);
    update();
  };

  const forget = (target: Target): void => {
    update();
    targets.delete(target._element);
    inView.delete(target);
    target._observer?.unobserve(target._element);
    if (target._since !== undefined) update();
  };

  const wake = guard(update);

  return {
    observe(element, artworkId, options) {
      let stop = (): void => {};
      guard(() => {
        if (stopped) return;
        let target = targets.get(element);
        if (target && target._artworkId !== artworkId) {
          forget(target);
          target = undefined;
        }
        target ??= { _element: element, _artworkId: artworkId, _from: performance.now(), _visible: 0 };
        const known = target;
        known._options = options;
        known._marked = element.getAttribute(MARK) === artworkId;
        // Who observed last stops it: frameworks render anew before they clean up.
        known._stop = stop = guard(() => {
          if (targets.get(element) === known && known._stop === stop) forget(known);
        });
        targets.set(element, known);
        follow(known);
      })();
      return stop;
    },
    pause: guard(() => {
      update();
      running = false;
      for (const target of inView) target._done = false;
      update();
    }),
    resume: guard(() => {
      update();
      // Whoever calls may mean another obstacle that is gone, such as consent that was given in a hidden page.
      running = document.visibilityState !== "hidden";
      resumedAt = performance.now();
      for (const target of inView) follow(target);
      update();
    }),
    stop: guard(() => {
      stopped = true;
      // Entries that are queued are delivered even now: nobody is to be found for them.
      targets = new WeakMap();
      inView.clear();
      for (const observer of observers) observer.disconnect();
      clearTimeout(timer);
    }),
  };
}

/** What runs without ever throwing: a recorder that fails must not break the page that it is on. */
function guard<A extends unknown[]>(run: (...args: A) => void): (...args: A) => void {
  return (...args) => {
    try {
      run(...args);
    } catch {
      // Nothing to do: without an IntersectionObserver, say, nothing is ever seen.
    }
  };
}
