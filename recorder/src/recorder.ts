import { arm, DEBOUNCE_MS } from "./arm";
import { createClock } from "./clock";
import { config } from "./config";
import { consent } from "./consent";
import { drain } from "./drain";
import { dropped } from "./dropped";
import { emitter } from "./emitter";
import { destination, entry, type Entry } from "./entry";
import { exit } from "./exit";
import { head } from "./head";
import { isId, uuid7 } from "./ids";
import { impression } from "./impression";
import { watch } from "./page";
import { createSeen } from "./seen/createSeen";
import { resolveVisibility } from "./seen/presets";
import type { State } from "./state";
import { openStore } from "./store/open";
import { tab } from "./tab";
import { target } from "./target";
import { tokens } from "./token";
import type { Options, Recorder, RecordOptions } from "./types";
import { rescue, trim, write } from "./write";

const DAY_MS = 86_400_000;
const MOST_FLUSH_MS = 60_000;
const MOST_BATCH = 500;
/** Earlier pages' impressions are sent within so many ms of the start: not by all browsers at once. */
const START_MS = 500;

/** The first of some numbers that makes sense, and no more than `most`. */
const number = (most: number, ...given: unknown[]): number => Math.min(most, given.find((each) => (each as number) > 0) as number);

/** What the stub needs besides: an id that it has given out already. */
export interface Inner extends Recorder {
  _record(artworkId: string, options: RecordOptions, id?: string): string | null;
}

/** Create a recorder. It never throws: what is wrong with the options, it says by the event `defect`. */
export const createRecorder = (options: Options): Inner => {
  const { _on, _emit } = emitter();
  const [endpoint, url] = target(options);
  const userId = options.userId;
  const getToken = tokens(options.token);
  let { tier, experiments } = options;
  let flushMs = number(MOST_FLUSH_MS, options.flushMs, tier == "pro" ? 1000 : 5000);
  let heading = "";
  let visible = resolveVisibility(options.visible);
  let agreed = consent(options, options.consent);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let due = 0;
  let draining: Promise<void> | undefined;
  let fresh: Entry[] = [];
  let ended = !isId(userId);

  const state: State = {
    _user: userId,
    _to: destination(endpoint, userId),
    _url: url,
    _batch: number(MOST_BATCH, options.batchSize, 200),
    _most: MOST_BATCH,
    _caps: {
      maxBytes: number(Infinity, options.maxBytes, 1 << 20),
      maxEntries: number(Infinity, options.maxEntries, 5000),
      maxAgeMs: number(Infinity, options.maxAgeMs, 6 * DAY_MS),
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
      offsetMs: null,
    },
    _more: { bfcache: 0, discarded: +!!(document as { wasDiscarded?: boolean }).wasDiscarded },
    _unreported: 0,
    _written: 0,
    _memory: new Map(),
    _unstored: new Set(),
    _busy: new Set(),
    _safe: new Set(),
    _opening: new Promise(() => {}),
    _store: undefined,
    _allowed: false,
    _gone: false,
    _exits: 0,
    _failures: 0,
    _notBefore: 0,
    _asked: 0,
    _gzip: true,
    _renewed: false,
    _token: "",
    async _authorise(again) {
      const token = await getToken(again);
      state._token = token || "";
      return token != null;
    },
    _schedule(ms) {
      const at = Date.now() + ms;
      if (ended || (timer && due <= at)) return;
      clearTimeout(timer);
      due = at;
      timer = setTimeout(() => void flush(state._memory.size < state._batch ? "timer" : "size"), ms);
    },
    _arm() {},
    _emit,
    _defect(error) {
      state._more.defects = (state._more.defects || 0) + 1;
      _emit("defect", { message: String(error) });
    },
  };
  state._arm = arm(state);

  /** Do something for the page, and keep what goes wrong from it. */
  const guard =
    <A extends unknown[], R>(act: (...given: A) => R, otherwise?: R) =>
    (...given: A): R => {
      try {
        return act(...given);
      } catch (error) {
        state._defect(error);
        return otherwise as R;
      }
    };

  const flush: Recorder["flush"] = (reason = "manual") => {
    clearTimeout(timer);
    timer = undefined;
    return (draining ||= drain(state, reason)
      .catch(state._defect)
      .then(() => {
        draining = undefined;
        // Whatever came meanwhile, or failed, is due in time.
        const waits = [...state._memory.keys()].some((id) => !state._safe.has(id));
        if (waits && state._allowed && !state._gone) state._schedule(Math.max(flushMs, state._notBefore - Date.now()));
      }));
  };

  const store = (entries: Entry[]) => void write(state, entries);

  const _record: Inner["_record"] = (artworkId, given, id = uuid7(Date.now())) => {
    if (ended || agreed == "denied") return null;
    if ((document as { prerendering?: boolean }).prerendering) {
      // Nobody sees it yet: its time begins with the page's activation.
      document.addEventListener("prerenderingchange", () => _record(artworkId, given, id), { once: true });
      return id;
    }
    const seenAt = Math.round(given.seenAt || state._clock._now());
    const found = entry(state._to, state._tab, heading, id, impression(id, artworkId, seenAt, given, options));
    if (!found) {
      dropped(state, 1, "refused");
      return null;
    }
    const memory = state._memory.set(id, found);
    state._unstored.add(id);
    state._stats.recorded++;
    _emit("record", { impressionId: id, artworkId, seenAt });
    if (memory.size > state._caps.maxEntries) {
      const [oldest] = memory.keys();
      memory.delete(oldest!);
      if (state._unstored.delete(oldest!)) dropped(state, 1, "entries");
    }
    if (!state._allowed) return id;
    if (state._gone) {
      // In the page's own exit handler, after ours.
      rescue(state);
      exit(state, "pagehide");
      return id;
    }
    // All of one task share a transaction, which begins before the page can go.
    if (fresh.push(found) == 1) queueMicrotask(() => store(fresh.splice(0)));
    state._schedule(memory.size < state._batch ? flushMs : DEBOUNCE_MS);
    state._arm();
    return id;
  };

  const seen = createSeen(() => visible, guard(_record, null));

  const configure = async (): Promise<void> => {
    await state._authorise(false);
    if (options.config === false) return;
    const found = await config(endpoint, userId, tier || "free", state._token);
    flushMs = number(MOST_FLUSH_MS, options.flushMs, found.flush_ms, flushMs);
    state._batch = number(MOST_BATCH, options.batchSize, found.batch_size, state._batch);
    tier ||= found.tier;
    experiments ||= found.experiments;
    heading = head(options.sessionId || state._tab, tier, experiments);
    if (!options.visible) visible = resolveVisibility({ ratio: found.visible_ratio!, ms: found.visible_ms! });
  };

  /** The page is there, and may record: for the first time, or again. */
  const back = (): void => {
    state._gone = false;
    state._safe.clear();
    if (!state._allowed) return;
    if (document.visibilityState == "visible") seen.resume();
    store([...state._unstored].map((id) => state._memory.get(id)!));
    state._schedule(state._memory.size ? DEBOUNCE_MS : START_MS);
  };

  const start = (): void => {
    state._allowed = true;
    if (!state._tab) {
      state._tab = tab();
      heading = head(options.sessionId || state._tab, tier, experiments);
      state._opening = openStore();
      void state._opening
        .then((opened) => {
          state._stats.storage = opened._kind;
          state._store = opened;
          return trim(state);
        })
        .catch(state._defect);
      configure().catch(state._defect);
      for (const each of state._memory.values()) {
        // Recorded while nothing might be stored, not even the tab's id.
        each.by = state._tab;
        each.h = heading;
      }
    }
    back();
  };

  const agree = guard((): void => {
    if (agreed == "granted" && !ended) return start();
    state._allowed = false;
    seen.pause();
    clearTimeout(timer);
    timer = undefined;
    if (agreed == "denied") {
      state._memory.clear();
      state._unstored.clear();
    } else if (document.visibilityState == "visible") seen.resume();
    state._arm();
  });

  const unwatch = watch({
    _hide: guard(() => {
      seen.pause();
      exit(state, "hidden");
    }),
    _show: guard(back),
    _leave: guard(() => {
      seen.pause();
      state._gone = true;
      state._store?._halt();
      if (state._allowed) rescue(state);
      exit(state, "pagehide");
    }),
    _return: guard(() => {
      state._more.bfcache!++;
      back();
    }),
    _online: guard(() => {
      state._notBefore = state._failures = 0;
      state._schedule(Math.random() * START_MS);
    }),
  });

  if (ended) queueMicrotask(() => state._defect("userId is not an id"));
  if ((document as { prerendering?: boolean }).prerendering) document.addEventListener("prerenderingchange", agree, { once: true });
  else agree();

  return {
    _record,
    observe: guard((element, artworkId, given) => seen.observe(element, artworkId, given), () => {}),
    record: guard((artworkId, given) => _record(artworkId, given || {}), null),
    flush(reason) {
      state._notBefore = 0;
      return state._allowed ? flush(reason) : Promise.resolve();
    },
    stats: () => ({ ...state._stats, pending: state._memory.size, offsetMs: state._clock._offset || null }),
    on: _on,
    setConsent: guard((given) => {
      agreed = consent(options, given);
      agree();
    }),
    destroy: guard(() => {
      exit(state, "manual");
      ended = true;
      seen.stop();
      unwatch();
      clearTimeout(timer);
    }),
  };
};
