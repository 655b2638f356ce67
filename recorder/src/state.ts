import type { Clock } from "./clock";
import type { Entry } from "./entry";
import type { Caps } from "./store/excess";
import type { Store } from "./store/store";
import type { Events, Stats } from "./types";

/** An impression that this page recorded, and of which no 2xx has come. */
export interface Mine {
  _entry: Entry;
  /** Known to be stored. */
  _stored?: boolean;
  /** On its way by what survives the page: an exit needn't send it again. */
  _safe?: boolean;
}

/** What the parts of one recorder share. */
export interface State {
  _user: string;
  _to: string;
  _url: string;
  _batch: number;
  /** The most of an attempt: the batch, or less after a failure. */
  _most: number;
  _caps: Caps;
  _tab: string;
  _clock: Clock;
  _stats: Stats;
  /** Further telemetry: the clock's offset, returns from the back/forward cache, a discard, defects of ours. */
  _more: Record<string, number>;
  /** What was dropped and not reported yet. */
  _unreported: number;
  /** Bytes that were written since the last trim. */
  _written: number;
  /** By id, oldest first. */
  _memory: Map<string, Mine>;

  _opening: Promise<Store>;
  _store?: Store;
  /** What is recorded survives the page. */
  _stored?: boolean;
  /** Consent is given, and the page is active. */
  _allowed?: boolean;
  /** Between pagehide and pageshow. */
  _gone?: boolean;
  _failures: number;
  /** When to try again, ms since the epoch. */
  _notBefore: number;
  /** The same, if the server asked for it. */
  _asked: number;
  _gzip: boolean;
  /** Another token was fetched for what was refused. */
  _renewed?: boolean;

  /** The last known token; "" if there is none. */
  _token: string;
  /** Get one, another one if `fresh`; false if there is none to be had. */
  _authorise(fresh: boolean): Promise<boolean>;
  _schedule(ms: number): void;
  /** Leave what is not acknowledged with the browser. */
  _arm(): void;
  _emit<K extends keyof Events>(event: K, detail: Events[K]): void;
  _defect(error: unknown): void;
}
