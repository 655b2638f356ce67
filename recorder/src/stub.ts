import { consent } from "./consent";
import { destination, entry, type Entry } from "./entry";
import { head } from "./head";
import { isId, uuid7 } from "./ids";
import { impression } from "./impression";
import { watch } from "./page";
import type { createRecorder, Inner } from "./recorder";
import { body } from "./send/body";
import { beacon } from "./send/beacon";
import { send } from "./send/fetch";
import { local } from "./store/local";
import { tab } from "./tab";
import type { Consent, Options, Reason, Recorder, RecordOptions } from "./types";

/** What stands under the global name until the recorder has loaded. */
export interface StubGlobal {
  createRecorder(options: Options): Recorder;
  /** Called by the recorder's script: from then on, everything is its. */
  _load(create: typeof createRecorder): void;
}

type Call = (recorder: Inner) => void;

const loads: ((create: typeof createRecorder) => void)[] = [];
let loaded: typeof createRecorder | undefined;

/**
 * A recorder that remembers what it is asked for until the real one is there. If the page goes before that, it stores
 * and sends by itself what was recorded (posthog-js#4116): a visitor who leaves at once has seen something, too.
 */
const waiting = (options: Options): Recorder => {
  let real: Inner | undefined;
  let calls: Call[] = [];
  let agreed: Consent | undefined = options.consent;
  const recorded: { _artworkId: string; _options: RecordOptions; _id: string }[] = [];
  let gone = 0;

  const run = (call: Call): void => void (real ? call(real) : calls.push(call));

  const drain = (reason: Reason): void => {
    const mine = recorded.slice(gone);
    gone = recorded.length;
    if (consent(options, agreed) != "granted" || !mine.length || !isId(options.userId)) return;
    const endpoint = String(options.endpoint).replace(/\/+$/, "");
    const session = tab();
    const heading = head(options.sessionId || session, options.tier, options.experiments);
    const entries = mine.flatMap((each): Entry | [] => {
      const more = { poolId: options.poolId, surface: options.surface, ...each._options };
      const text = impression(each._id, each._artworkId, each._options.seenAt!, more);
      return entry(destination(endpoint, options.userId), session, heading, each._id, text) || [];
    });
    try {
      entries.forEach(local._set);
    } catch {
      // Denied or full: what is sent now must do.
    }
    const token = typeof options.token == "string" ? options.token : "";
    const url = endpoint + (options.path || "/v1/impressions");
    const text = (transport: string) =>
      body(entries, { _user: options.userId, _token: token, _transport: transport, _reason: reason, _queued: 0, _dropped: 0, _more: {} });
    const first = text("keepalive");
    void send(url, first._text, first._bytes, true);
    beacon(url, text("beacon")._text);
  };

  const unwatch = watch({
    _hide: () => drain("hidden"),
    _leave: () => drain("pagehide"),
    _show() {},
    _return() {},
    _online() {},
  });

  const load = (create: typeof createRecorder): void => {
    unwatch();
    real = create(options);
    calls.forEach((call) => call(real!));
    calls = [];
  };
  if (loaded) load(loaded);
  else loads.push(load);

  return {
    observe(element, artworkId, given) {
      let stop: (() => void) | undefined;
      let stopped = false;
      run((recorder) => stopped || (stop = recorder.observe(element, artworkId, given)));
      return () => {
        stopped = true;
        stop?.();
      };
    },
    record(artworkId, given = {}) {
      if (real) return real.record(artworkId, given);
      if (consent(options, agreed) == "denied") return null;
      const now = Date.now();
      const id = uuid7(now);
      const whole = { seenAt: now, ...given };
      recorded.push({ _artworkId: artworkId, _options: whole, _id: id });
      run((recorder) => recorder._record(artworkId, whole, id));
      return id;
    },
    flush: (reason) => (real ? real.flush(reason) : Promise.resolve()),
    stats: () => (real ? real.stats() : ({ recorded: recorded.length, pending: recorded.length, storage: "opening" } as never)),
    on(event, listener) {
      let off: (() => void) | undefined;
      run((recorder) => (off = recorder.on(event, listener)));
      return () => off?.();
    },
    setConsent(state) {
      agreed = state;
      run((recorder) => recorder.setConsent(state));
    },
    destroy: () => run((recorder) => recorder.destroy()),
  };
};

const stub: StubGlobal = {
  createRecorder: waiting,
  _load(create) {
    loaded = create;
    loads.splice(0).forEach((load) => load(create));
  },
};
const page = globalThis as { ImpressionRecorder?: unknown };
page.ImpressionRecorder ||= stub;
