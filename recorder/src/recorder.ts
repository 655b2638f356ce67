import { arm, DEBOUNCE_MS } from "./arm";
import { createClock } from "./clock";
import { config } from "./config";
import { consent } from "./consent";
import { drain } from "./drain";
import { dropped } from "./dropped";
import { emitter } from "./emitter";
import { destination, entry } from "./entry";
import { exit } from "./exit";
import { head } from "./head";
import { isId, uuid7 } from "./ids";
import { impression } from "./impression";
import { watch } from "./page";
import { createSeen } from "./seen/createSeen";
import { resolveVisibility } from "./seen/presets";
import type { State } from "./state";
import { openStore } from "./store/open";
import type { Store } from "./store/store";
import { tab } from "./tab";
import { tokens } from "./token";
import type { Consent, ObserveOptions, Options, Reason, Recorder, RecordOptions } from "./types";
import { rescue, trim, write } from "./write";

const DAY_MS = 86_400_000;
const CAPS = { maxBytes: 1 << 20, maxEntries: 5000, maxAgeMs: 6 * DAY_MS };
const MOST_BATCH = 500;
/** Earlier pages' impressions are sent within so many ms of the start: not by all browsers at once. */
const START_MS = 500;

const between = (value: number | undefined, least: number, most: number, otherwise: number): number =>
  value! >= least ? Math.min(value!, most) : otherwise;

interface Held {
  _artworkId: string;
  _options: RecordOptions;
  _id: string;
}

/** What the stub needs besides: an id that it has given out already. */
export interface Inner extends Recorder {
  _record(artworkId: string, options: RecordOptions, id?: string): string | null;
}

/** Create a recorder. It never throws: what is wrong with the options, it says by the event `defect`. */
export const createRecorder = (options: Options): Inner => {
  const { _on, _emit } = emitter();
  const endpoint = String(options.endpoint).replace(/\/+$/, "");
  const userId = options.userId;
  const valid = isId(userId);
  const getToken = tokens(options.token);
  let session = "";
  let tier = options.tier;
  let experiments = options.experiments;
  let heading = "";
  let visible = resolveVisibility(options.visible);
  let agreed: Consent = valid ? consent(options, options.consent) : "denied";
  let started = false;
  let timer = 0;
  let due = 0;
  let draining: Promise<void> | undefined;
  let held: Held[] = [];
  let fresh: ReturnType<typeof entry>[] = [];
  let opened: (store: Store) => void;
  const isActive = () => !(document as { prerendering?: boolean }).prerendering;

  const state: State = {
    _user: userId,
    _to: destination(endpoint, userId),
    _url: endpoint + (options.path || "/v1/impressions"),
    _flushMs: between(options.flushMs, 0, 60_000, tier == "pro" ? 1000 : 5000),
    _batch: between(options.batchSize, 1, MOST_BATCH, 200),
    _caps: {
      maxBytes: options.maxBytes || CAPS.maxBytes,
      maxEntries: options.maxEntries || CAPS.maxEntries,
      maxAgeMs: options.maxAgeMs || CAPS.maxAgeMs,
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
    _more: (document as { wasDiscarded?: boolean }).wasDiscarded ? { discarded: 1 } : {},
    _unreported: 0,
    _written: 0,
    _memory: new Map(),
    _unstored: new Set(),
    _busy: new Set(),
    _safe: new Set(),
    _unremoved: [],
    _undo: [],
    _opening: new Promise((resolve) => (opened = resolve)),
    _store: undefined,
    _allowed: false,
    _gone: false,
    _ended: false,
    _exits: 0,
    _failures: 0,
    _notBefore: 0,
    _asked: 0,
    _gzip: true,
    _token: "",
    _emit,
    _arm: () => {},
    async _authorise(again) {
      const token = await getToken(again);
      state._token = token || "";
      return token != null;
    },
    _schedule(ms) {
      const at = Date.now() + ms;
      if (state._ended || (timer && due <= at)) return;
      clearTimeout(timer);
      due = at;
      timer = setTimeout(() => {
        timer = 0;
        void state._drain(state._memory.size < state._batch ? "timer" : "size");
      }, ms) as unknown as number;
    },
    _drain: (reason) =>
      (draining ||= drain(state, reason)
        .catch(state._defect)
        .then(() => {
          draining = undefined;
          // Whatever came meanwhile, or failed, is due in time.
          const waits = [...state._memory.keys()].some((id) => !state._safe.has(id));
          if (waits && !state._gone && state._allowed) state._schedule(Math.max(state._flushMs, state._notBefore - Date.now()));
        })),
    _defect(error) {
      state._more.defects = (state._more.defects || 0) + 1;
      _emit("defect", { message: String(error) });
    },
  };
  state._arm = arm(state);

  /** Do something for the page, and keep what goes wrong from it. */
  const guard =
    <A extends unknown[], R>(act: (...given: A) => R, otherwise: R) =>
    (...given: A): R => {
      try {
        return act(...given);
      } catch (error) {
        state._defect(error);
        return otherwise;
      }
    };

  const keep = (artworkId: string, given: RecordOptions, id: string): string | null => {
    const seenAt = Math.round(given.seenAt ?? state._clock._now());
    const more = { poolId: options.poolId, surface: options.surface, ...given };
    const text = impression(id, artworkId, seenAt, more);
    const found = entry(state._to, state._tab, heading, id, text);
    if (!found) {
      dropped(state, 1, "refused");
      return null;
    }
    state._memory.set(id, found);
    state._unstored.add(id);
    state._stats.recorded++;
    _emit("record", { impressionId: id, artworkId, seenAt });
    if (state._gone) {
      // In the page's own exit handler, after ours.
      rescue(state);
      exit(state, "pagehide");
      return id;
    }
    // All of one task share a transaction, which begins before the page can go.
    if (fresh.push(found) == 1) {
      queueMicrotask(() => {
        const entries = fresh.flatMap((each) => each || []);
        fresh = [];
        void write(state, entries);
      });
    }
    state._schedule(state._memory.size < state._batch ? state._flushMs : DEBOUNCE_MS);
    state._arm();
    return id;
  };

  const _record = (artworkId: string, given: RecordOptions = {}, id = uuid7(Date.now())): string | null => {
    if (agreed == "denied" || state._ended) return null;
    if (state._allowed) return keep(artworkId, given, id);
    // Nobody sees a page that is prerendered: its time begins with its activation.
    held.push({ _artworkId: artworkId, _options: isActive() ? { seenAt: Date.now(), ...given } : given, _id: id });
    if (held.length > state._caps.maxEntries) {
      held.shift();
      dropped(state, 1, "entries");
    }
    return id;
  };

  const seen = createSeen(
    () => visible,
    (artworkId: string, given: RecordOptions) => void guard(_record, null)(artworkId, given),
  );

  const configure = async (): Promise<void> => {
    const found = await config(endpoint, userId, tier || "free", state._token);
    state._flushMs = between(options.flushMs, 0, 60_000, between(found.flush_ms, 100, 60_000, state._flushMs));
    state._batch = between(options.batchSize, 1, MOST_BATCH, between(found.batch_size, 1, MOST_BATCH, state._batch));
    tier ||= found.tier;
    experiments ||= found.experiments;
    heading = head(session, tier, experiments);
    if (!options.visible) visible = resolveVisibility({ ratio: found.visible_ratio!, ms: found.visible_ms! });
  };

  const start = (): void => {
    state._allowed = true;
    if (!started) {
      started = true;
      state._tab = tab();
      session = options.sessionId || state._tab;
      heading = head(session, tier, experiments);
      void openStore().then((store) => {
        state._stats.storage = store._kind;
        opened((state._store = store));
        trim(state).catch(state._defect);
        state._schedule(Math.random() * START_MS);
      });
      void state
        ._authorise(false)
        .then(() => (options.config === false ? undefined : configure()))
        .catch(state._defect);
    }
    seen.resume();
    const waiting = held;
    held = [];
    waiting.forEach((each) => keep(each._artworkId, each._options, each._id));
  };

  const back = (): void => {
    state._gone = false;
    state._undo.splice(0).forEach((undo) => undo());
    state._safe.clear();
    if (!state._allowed) return;
    seen.resume();
    const left = state._unremoved.splice(0);
    if (left.length) void state._store?._remove(left).catch(state._defect);
    void write(state, [...state._unstored].flatMap((id) => state._memory.get(id) || []));
    if (state._memory.size) state._schedule(DEBOUNCE_MS);
  };

  const unwatch = watch({
    _hide: guard(() => {
      seen.pause();
      exit(state, "hidden");
    }, undefined),
    _show: guard(back, undefined),
    _leave: guard(() => {
      seen.pause();
      state._gone = true;
      state._store?._halt();
      if (state._allowed) rescue(state);
      exit(state, "pagehide");
    }, undefined),
    _return: guard(() => {
      state._more.bfcache = (state._more.bfcache || 0) + 1;
      back();
    }, undefined),
    _online: guard(() => {
      state._notBefore = state._failures = 0;
      if (state._memory.size) state._schedule(Math.random() * START_MS);
    }, undefined),
  });

  const agree = (): void => {
    if (agreed == "granted" && isActive()) {
      start();
    } else {
      state._allowed = false;
      seen.pause();
      clearTimeout(timer);
      timer = 0;
      if (agreed == "denied") {
        held = [];
        state._memory.clear();
        state._unstored.clear();
      }
      state._arm();
    }
  };

  const api: Inner = {
    _record,
    observe: guard((element: Element, artworkId: string, given?: ObserveOptions) => seen.observe(element, artworkId, given), () => {}),
    record: guard((artworkId: string, given?: RecordOptions) => _record(artworkId, given), null),
    flush(reason: Reason = "manual") {
      state._notBefore = 0;
      return state._allowed ? state._drain(reason) : Promise.resolve();
    },
    stats: () => ({ ...state._stats, pending: state._memory.size + held.length, offsetMs: state._clock._offset || null }),
    on: _on,
    setConsent: guard((given: Consent) => {
      if (valid && !state._ended) {
        agreed = consent(options, given);
        agree();
      }
    }, undefined),
    destroy: guard(() => {
      seen.stop();
      exit(state, "manual");
      unwatch();
      clearTimeout(timer);
      state._ended = true;
    }, undefined),
  };
  if (!valid) queueMicrotask(() => state._defect("userId is not an id"));
  if (isActive()) guard(agree, undefined)();
  else document.addEventListener("prerenderingchange", guard(agree, undefined), { once: true });
  return api;
};
