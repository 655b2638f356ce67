import type { Entry } from "./entry";
import type { Store } from "./store/store";
import type { Events, Options, Reason, Stats } from "./types";

/** What the parts of one recorder share. */
export interface State {
  _user: string;
  _to: string;
  _url: string;
  _batch?: number;
  /** The most of an attempt: the batch, or less after a failure. */
  _most: number;
  _options: Options;
  /** Known once the page is active and may be recorded. */
  _tab?: string;
  /** Ms of the quickest round trip so far. */
  _quickest?: number;
  _stats: Stats;
  /** Further telemetry: the clock's offset, returns from the back/forward cache, a discard, defects of ours. */
  _more: { offset_ms: number; bfcache: number; defects: number; discarded: number };
  /** What was dropped and not reported yet. */
  _unreported: number;
  /** Of the latest flush. */
  _reason?: Reason;
  /** What this page recorded, and of which no 2xx has come; oldest first. */
  _memory: Entry[];

  /** Undefined until it is open. */
  _store?: Store;
  /** What is recorded survives the page. */
  _stored?: boolean;
  /** A write begins with the end of this task. */
  _writing?: boolean;
  /** Consent is given, and the page is active. */
  _allowed?: boolean;
  /** Between pagehide and pageshow. */
  _gone?: boolean;
  _failures: number;
  /** When to try again, ms since the epoch. */
  _notBefore?: number | undefined;
  /** The same, if the server asked for it. */
  _asked?: number | undefined;
  /** Raw bodies only: compression, or a server that takes it, is missing. */
  _raw?: boolean;
  /** Aborts what was left with the browser. */
  _armed?: AbortController;

  /** The last known token. */
  _token?: string | undefined;
  /** Flush in so many ms, or earlier. */
  _schedule(ms: number): void;
  _emit<K extends keyof Events>(event: K, detail: Events[K]): void;
  _defect(error: unknown): void;
}
