import { arm } from "./arm";
import { rightTime } from "./clock";
import { config, type Config } from "./config";
import { consent } from "./consent";
import { drain, waits } from "./drain";
import { dropped } from "./dropped";
import { emitter } from "./emitter";
import { destination, entry, SAFE } from "./entry";
import { exit } from "./exit";
import { head } from "./head";
import { isId, uuid7 } from "./ids";
import { impression } from "./impression";
import { watch, whenActive } from "./page";
import { createSeen } from "./seen/createSeen";
import { resolveVisibility } from "./seen/presets";
import type { State } from "./state";
import { MOST_ENTRIES } from "./store/excess";
import { openStore } from "./store/open";
import { tab } from "./tab";
import { target } from "./target";
import { authorise } from "./token";
import type { Options, Recorder, RecordOptions, Visibility } from "./types";
import { keepUnreported } from "./unreported";
import { trim, write } from "./write";

/** What fills a batch within so many ms goes with it. */
const DEBOUNCE_MS = 100;
const MOST_FLUSH_MS = 60_000;
const MOST_BATCH = 500;
/** Earlier pages' impressions are sent within so many ms of the start: not by all browsers at once. */
const START_MS = 500;

/** The first of some numbers that makes sense, and no more than `most`. */
const number = (most: number, ...given: unknown[]): number => Math.min(most, given.find((each) => (each as number) >= 1) as number);

/** What the stub needs: it has given out ids already. */
export interface Inner extends Recorder {
  record(artworkId: string, options?: RecordOptions, id?: string): string | null;
}

/** Create a recorder. It never throws: what is wrong with the options, it says by the event `defect`. */
export const createRecorder = (options: Options): Inner => {
  const { _on, _emit } = emitter();
  const [endpoint, url] = target(options);
  const userId = options.userId;
  let flushMs: number;
  let heading: string;
  let visible: Visibility;
  let agreed = consent(options, options.consent);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let due = Infinity;
  let draining: Promise<void> | undefined;
  let ended = !isId(userId);

  const state: State = {
    _user: userId,
    _to: destination(endpoint, userId),
    _url: url,
    _most: MOST_BATCH,
    _options: options,
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
    _memory: [],
    _failures: 0,
    _schedule(ms) {
      const at = Date.now() + ms;
      if (ended || !state._allowed || state._gone || due <= at) return;
      clearTimeout(timer);
      due = at;
      timer = setTimeout(() => flush(state._memory.length < state._batch! ? "timer" : "size"), ms);
    },
    _emit,
    _defect(error) {
      state._more.defects++;
      _emit("defect", { message: String(error) });
    },
  };

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

  const flush: Recorder["flush"] = (reason = "manual") => {
    clearTimeout(timer);
    due = Infinity;
    state._reason = reason;
    return (draining ||= drain(state)
      .catch(state._defect)
      .then(() => {
        draining = undefined;
        // Whatever came meanwhile, or failed, is due in time.
        const wait = waits(state);
        if (wait || state._memory.length) state._schedule(wait || flushMs);
      }));
  };

  const record: Inner["record"] = (artworkId, given = {}, id = uuid7(Date.now())) => {
    if (ended || agreed == "denied") return null;
    if ((document as { prerendering?: boolean }).prerendering) {
      // Nobody sees it yet: its time begins with the page's activation.
      whenActive(() => record(artworkId, given, id));
      return id;
    }
    const seenAt = Math.round(given.seenAt || rightTime(state));
    const found = entry(state._to, state._tab!, heading, id, impression(id, artworkId, seenAt, given, options));
    // What may not be stored yet has no other cap.
    const full = !state._allowed && state._memory.length >= MOST_ENTRIES;
    if (!found || full) {
      dropped(state, full ? "entries" : "refused");
      return null;
    }
    state._memory.push(found);
    state._stats.recorded++;
    _emit("record", { impressionId: id, artworkId, seenAt });
    // In the page's own exit handler, after ours.
    if (state._gone) exit(state, "pagehide");
    write(state);
    state._schedule(state._memory.length < state._batch! ? flushMs : DEBOUNCE_MS);
    return id;
  };

  const seen = createSeen(() => visible, record, guard);

  /** Take in what the collector says; options win. What waits already is described alike. */
  const apply = (found: Config): void => {
    const tier = options.tier || found.tier;
    flushMs = number(MOST_FLUSH_MS, options.flushMs, found.flush_ms, tier == "pro" ? 1000 : 5000);
    state._batch = number(MOST_BATCH, options.batchSize, found.batch_size, 200);
    visible = resolveVisibility(options.visible || { ratio: found.visible_ratio!, ms: found.visible_ms! });
    heading = head(options.sessionId || state._tab!, tier, options.experiments || found.experiments);
    for (const each of state._memory) {
      each.by = state._tab!;
      each.h = heading;
    }
  };

  /** The page is there: for the first time, or again (from the back/forward cache: 1), or the network is. */
  const back = guard((kept: number) => {
    state._more.bfcache += kept;
    state._gone = false;
    for (const each of state._memory) each[SAFE] = false;
    seen.resume();
    write(state);
    state._notBefore = state._asked;
    state._schedule(Math.random() * START_MS);
  });

  /** Begin, once the page may: not even the tab's id may be stored before. */
  const start = async (): Promise<void> => {
    state._tab = tab();
    apply({});
    keepUnreported(state, false);
    openStore(
      guard((store) => {
        state._store = store;
        state._stored = (state._stats.storage = store._kind) != "memory";
        if (state._gone) return;
        // What earlier pages left can be claimed only now.
        back(0);
        trim(state);
      }),
    );
    await authorise(state);
    if (options.config !== false)
      await config(endpoint, userId, options.tier, state._token).then(
        (found) => {
          apply(found || {});
          // What is visible already is judged by it, too.
          if (state._allowed) seen.resume();
        },
        () => {},
      );
  };

  const agree = guard(() => {
    state._allowed = agreed == "granted" && !ended;
    if (agreed == "denied") {
      seen.pause();
      state._memory = [];
    } else {
      if (state._allowed && !state._tab) start().catch(state._defect);
      back(0);
    }
    arm(state);
  });

  const unwatch = watch(
    guard((reason) => {
      seen.pause();
      if (reason == "pagehide") {
        state._gone = true;
        state._store?._halt?.();
      }
      exit(state, reason);
    }),
    back,
  );

  if (ended) setTimeout(state._defect, 0, "userId is no id");
  apply({});
  whenActive(agree);

  return {
    observe: seen.observe,
    record: guard(record),
    flush(reason) {
      state._notBefore = state._asked;
      return flush(reason);
    },
    stats: () => ({ ...state._stats, pending: state._memory.length, offsetMs: state._more.offset_ms }),
    on: _on,
    setConsent(given) {
      agreed = consent(options, given);
      whenActive(agree);
    },
    destroy: guard(() => {
      seen.stop();
      exit(state, "manual");
      ended = true;
      unwatch();
      clearTimeout(timer);
    }),
  };
};
