import { compose } from "./compose";
import { consent } from "./consent";
import { destination, entry, type Entry } from "./entry";
import { head } from "./head";
import { uuid7 } from "./ids";
import { impression } from "./impression";
import { watch, whenActive } from "./page";
import type { createRecorder, Inner } from "./recorder";
import { beacon } from "./send/beacon";
import { post } from "./send/post";
import { put } from "./store/area";
import { tab } from "./tab";
import { target } from "./target";
import { tried } from "./tried";
import type { Consent, Options, Reason, Recorder, RecordOptions, Transport } from "./types";

/** What stands under the global name until the recorder has loaded. */
export interface StubGlobal {
  createRecorder(options: Options): Recorder;
  /** Called by the recorder's script: from then on, everything is its. */
  _load?(create: typeof createRecorder): void;
}

interface Recorded {
  _artworkId: string;
  _options: RecordOptions;
  _id: string;
}

const loads: ((create: typeof createRecorder) => void)[] = [];
let loaded: typeof createRecorder | undefined;

const written = (options: Options, recorded: Recorded[]): Entry[] => {
  const session = tab();
  const heading = head(options.sessionId || session, options.tier, options.experiments);
  const to = destination(target(options)[0], options.userId);
  return recorded.flatMap(({ _artworkId, _options, _id }): Entry | [] => {
    const text = impression(_id, _artworkId, _options.seenAt!, _options, options);
    return entry(to, session, heading, _id, text) || [];
  });
};

/**
 * Store what was recorded, for whichever page comes next. At once: a page that is left while it loads may get neither
 * pagehide nor visibilitychange (measured in all three engines). Where it is denied, or full, what an exit sends must do.
 */
const store = (options: Options, recorded: Recorded[]): unknown =>
  tried(() => written(options, recorded).forEach((entry) => put(localStorage, entry)));

/** Send what was recorded, as the recorder would at an exit. */
const drain = (options: Options, recorded: Recorded[], reason: Reason): void => {
  const [, url] = target(options);
  const entries = written(options, recorded);
  const sender = {
    _user: options.userId,
    _token: typeof options.token == "string" ? options.token : "",
    _more: {},
    _memory: [],
    _unreported: 0,
    _reason: reason,
  };
  const text = (transport: Transport) => compose(sender, entries, transport)._text;
  // The quota is anyone's guess here: what it refuses is in localStorage.
  fetch(url, { ...post(text("keepalive")), keepalive: true }).catch(() => {});
  beacon(url, text("beacon"));
};

/**
 * A recorder that remembers what it is asked for until the real one is there. If the page goes before that, it stores
 * and sends by itself what was recorded (posthog-js#4116): a visitor who leaves at once has seen something, too.
 */
const waiting = (options: Options): Recorder => {
  let real: Inner | undefined;
  let calls: ((recorder: Inner) => void)[] = [];
  let agreed: Consent | undefined = options.consent;
  const recorded: Recorded[] = [];
  let sent = 0;

  const may = () => consent(options, agreed) == "granted";
  const run = (call: (recorder: Inner) => void): void => void (real ? call(real) : calls.push(call));

  const leave = (reason: Reason): void => {
    if (!may()) return;
    const mine = recorded.slice(sent);
    sent = recorded.length;
    if (mine[0]) drain(options, mine, reason);
  };

  const unwatch = watch(leave, () => {});

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
      let stop: (() => void) | undefined = () => (stop = undefined);
      run((recorder) => stop && (stop = recorder.observe(element, artworkId, given)));
      return () => stop?.();
    },
    record(artworkId, given) {
      if (real) return real.record(artworkId, given);
      if (consent(options, agreed) == "denied") return null;
      const id = uuid7(Date.now());
      // Nobody sees a page that is prerendered: its time begins with its activation.
      whenActive(() => {
        const call: Recorded = { _artworkId: artworkId, _options: { seenAt: Date.now(), ...given }, _id: id };
        recorded.push(call);
        if (may()) store(options, [call]);
        run((recorder) => recorder.record(artworkId, call._options, id));
      });
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
      if (may()) store(options, recorded);
      run((recorder) => recorder.setConsent(state));
    },
    destroy: () => run((recorder) => recorder.destroy()),
  };
};

const page = self as { ImpressionRecorder?: StubGlobal };
page.ImpressionRecorder ||= {
  createRecorder: waiting,
  _load(create) {
    loaded = create;
    loads.splice(0).forEach((load) => load(create));
  },
};
