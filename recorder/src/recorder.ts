import { arm, DEBOUNCE_MS } from "./arm";
import { createClock } from "./clock";
import { config } from "./config";
import { consent } from "./consent";
import { drain, waits } from "./drain";
import { dropped } from "./dropped";
import { emitter } from "./emitter";
import { destination, entry } from "./entry";
import { exit } from "./exit";
import { head } from "./head";
import { isId, uuid7 } from "./ids";
import { impression } from "./impression";
import { watch, whenActive } from "./page";
import { createSeen } from "./seen/createSeen";
import { resolveVisibility } from "./seen/presets";
import type { State } from "./state";
import { openStore } from "./store/open";
import { tab } from "./tab";
import { target } from "./target";
import { authoriser } from "./token";
import type { Options, Recorder, RecordOptions } from "./types";
import { takeUnreported } from "./unreported";
import { rescue, trim, write } from "./write";

const DAY_MS = 86_400_000;
const MOST_FLUSH_MS = 60_000;
const MOST_BATCH = 500;
/** Earlier pages' impressions are sent within so many ms of the start: not by all browsers at once. */
const START_MS = 500;

/** The first of some numbers that makes sense, and no more than `most`. */
const number = (most: number, ...given: unknown[]): number => Math.min(most, given.find((each) => (each as number) >= 1) as number);

/** What the stub needs besides: an id that it has given out already. */
export interface Inner extends Recorder {
  _record(artworkId: string, options: RecordOptions, id?: string): string | null;
}

/** Create a recorder. It never throws: what is wrong with the options, it says by the event `defect`. */
export const createRecorder = (options: Options): Inner => {
  const { _on, _emit } = emitter();
  const [endpoint, url] = target(options);
  const userId = options.userId;
  let { tier, experiments } = options;
  let flushMs = number(MOST_FLUSH_MS, options.flushMs, tier == "pro" ? 1000 : 5000);
  let heading = "";
  let visible = resolveVisibility(options.visible);
  let agreed = consent(options, options.consent);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let due = 0;
  let draining: Promise<void> | undefined;
  let writing = false;
  let ended = !isId(userId);

  const state: State = {
    _user: userId,
    _to: destination(endpoint, userId),
    _url: url,
    _batch: number(MOST_BATCH, options.batchSize, 200),
    _most: MOST_BATCH,
    _caps: {
      maxBytes: options.maxBytes || 1 << 20,
      maxEntries: options.maxEntries || 5000,
      maxAgeMs: options.maxAgeMs || 6 * DAY_MS,
    },
    _tab: "",
    _clock: createClock(),
    _stats: {
      recorded: 0,
      stored: 0,
      sent: 0,
      acknowledged: 0,
      rejected: 0,
      dropped: 0,
      pending: 0,
      attempts: 0,
      failures: 0,
      storage: "opening",
      bytesSent: 0,
      offsetMs: 0,
    },
    _more: { offset_ms: 0, bfcache: 0, defects: 0, discarded: +!!(document as { wasDiscarded?: boolean }).wasDiscarded },
    _unreported: 0,
    _written: 0,
    _memory: new Map(),
    _opening: new Promise(() => {}),
    _failures: 0,
    _notBefore: 0,
    _asked: 0,
    _gzip: true,
    _token: "",
    _authorise: async () => false,
    _schedule(ms) {
      const at = Date.now() + ms;
      if (ended || (timer && due <= at)) return;
      clearTimeout(timer);
      due = at;
      timer = setTimeout(() => flush(state._memory.size < state._batch ? "timer" : "size"), ms);
    },
    _arm() {},
    _emit,
    _defect(error) {
      state._more.defects!++;
      _emit("defect", { message: String(error) });
    },
  };
  const { _memory: memory } = state;
  state._arm = arm(state);
  state._authorise = authoriser(state, options.token);

  /** Do something for the page, and keep what goes wrong from it. */
  const guard =
    <A extends unknown[], R>(act: (...given: A) => R) =>
    (...given: A): R => {
      try {
        return act(...given);
      } catch (error) {
        state._defect(error);
        return undefined as R;
      }
    };

  const wake = (ms: number): void => {
    if (state._allowed && !state._gone) state._schedule(ms);
  };

  const flush: Recorder["flush"] = (reason = "manual") => {
    clearTimeout(timer);
    timer = undefined;
    return (draining ||= drain(state, reason)
      .catch(state._defect)
      .then(() => {
        draining = undefined;
        // Whatever came meanwhile, or failed, is due in time.
        if ([...memory.values()].some((mine) => !mine._safe)) wake(Math.max(flushMs, waits(state)));
      }));
  };

  /** All of one task share a transaction, which begins before the page can go. */
  const store = (): void => {
    if (writing) return;
    writing = true;
    queueMicrotask(() => {
      writing = false;
      void write(state);
    });
  };

  const _record: Inner["_record"] = (artworkId, given, id = uuid7(Date.now())) => {
    if (ended || agreed == "denied") return null;
    if ((document as { prerendering?: boolean }).prerendering) {
      // Nobody sees it yet: its time begins with the page's activation.
      whenActive(() => _record(artworkId, given, id));
      return id;
    }
    const seenAt = Math.round(given.seenAt || state._clock._now());
    // What may not be stored yet has no other cap.
    if (!state._allowed && memory.size >= state._caps.maxEntries) {
      dropped(state, 1, "entries");
      return null;
    }
    const found = entry(state._to, state._tab, heading, id, impression(id, artworkId, seenAt, given, options));
    if (!found) {
      dropped(state, 1, "refused");
      return null;
    }
    memory.set(id, { _entry: found });
    state._stats.recorded++;
    _emit("record", { impressionId: id, artworkId, seenAt });
    if (state._gone && state._allowed) {
      // In the page's own exit handler, after ours.
      rescue(state);
      exit(state, "pagehide");
    }
    store();
    wake(memory.size < state._batch ? flushMs : DEBOUNCE_MS);
    state._arm();
    return id;
  };

  const seen = createSeen(() => visible, _record, guard);

  /** The page is there: for the first time, or again. */
  const back = (): void => {
    state._gone = false;
    memory.forEach((mine) => (mine._safe = false));
    seen.resume();
    store();
    wake(memory.size ? DEBOUNCE_MS : START_MS);
  };

  const describe = (): void => {
    heading = head(options.sessionId || state._tab, tier, experiments);
  };

  /** Begin, once the page may: not even the tab's id may be stored before. */
  const start = async (): Promise<void> => {
    state._tab = tab();
    describe();
    for (const { _entry } of memory.values()) {
      _entry.by = state._tab;
      _entry.h = heading;
    }
    state._opening = openStore();
    try {
      takeUnreported(state);
    } catch {} // denied
    state._opening
      .then((opened) => {
        state._stats.storage = opened._kind;
        state._stored = opened._kind != "memory";
        state._store = opened;
        return trim(state);
      })
      .catch(state._defect);
    await state._authorise(false);
    if (options.config === false) return;
    const found = await config(endpoint, userId, tier, state._token);
    flushMs = number(MOST_FLUSH_MS, options.flushMs, found.flush_ms, flushMs);
    state._batch = number(MOST_BATCH, options.batchSize, found.batch_size, state._batch);
    tier ||= found.tier;
    experiments ||= found.experiments;
    describe();
    if (options.visible) return;
    visible = resolveVisibility({ ratio: found.visible_ratio!, ms: found.visible_ms! });
    // What is visible already is judged by it, too.
    if (agreed != "denied") seen.resume();
  };

  const agree = guard(() => {
    state._allowed = agreed == "granted" && !ended;
    if (agreed == "denied") {
      seen.pause();
      memory.clear();
    } else {
      if (state._allowed && !state._tab) start().catch(state._defect);
      back();
    }
    state._arm();
  });

  const unwatch = watch(
    guard(() => {
      seen.pause();
      exit(state, "hidden");
    }),
    guard(() => {
      seen.pause();
      state._gone = true;
      state._store?._halt();
      if (state._allowed) rescue(state);
      exit(state, "pagehide");
    }),
    guard(back),
    guard(() => {
      state._more.bfcache!++;
      back();
    }),
    guard(() => {
      state._failures = 0;
      state._notBefore = state._asked;
      wake(Math.random() * START_MS);
    }),
  );

  if (ended) queueMicrotask(() => state._defect("userId is not an id"));
  whenActive(agree);

  return {
    _record,
    observe: seen.observe,
    record: guard((artworkId, given) => _record(artworkId, given || {})),
    async flush(reason) {
      state._notBefore = state._asked;
      if (state._allowed) await flush(reason);
    },
    stats: () => ({ ...state._stats, pending: memory.size, offsetMs: state._clock._offset }),
    on: _on,
    setConsent(given) {
      agreed = consent(options, given);
      whenActive(agree);
    },
    destroy: guard(() => {
      exit(state, "manual");
      ended = true;
      seen.stop();
      unwatch();
      clearTimeout(timer);
    }),
  };
};
