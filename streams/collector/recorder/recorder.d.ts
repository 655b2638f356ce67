/** When an artwork counts as seen: so large a part of it, for so long, in a visible tab. */
export interface Visibility {
  /** Share of its area that must be visible, or of the viewport's that it must fill: 0 to 1. */
  ratio: number;
  /** For how long without a break, in ms. */
  ms: number;
  /** The share for large artworks, of 242,500 square CSS pixels or more (MRC's rule); `ratio` if left out. */
  large?: number;
}

/** A telling name for a rule: MRC's display rule, the same with its exception for large ads. */
export type Preset = "mrc" | "mrc-large";

export type Consent = "granted" | "pending" | "denied";

export type Reason = "timer" | "size" | "hidden" | "pagehide" | "manual";

export type Transport = "fetch" | "keepalive" | "beacon" | "sync";

export interface Options {
  /** Where the collector is, such as `https://collector.example`; flushes go to `/v1/impressions` under it. */
  endpoint: string;
  userId: string;
  /** A token of this user, or what returns one: asked before it is needed, and again after a 401 or 403. */
  token?: string | (() => string | null | Promise<string | null>);
  poolId?: string;
  surface?: string;
  tier?: "free" | "pro";
  sessionId?: string;
  /** From the first impression that waits to its flush, in ms. Default: the collector's, else 5,000 or 1,000 (pro). */
  flushMs?: number;
  /** So many impressions are flushed at once, and are the most of a flush: 50 to 500. */
  batchSize?: number;
  visible?: Partial<Visibility> | Preset;
  /** Ask the collector for flushMs, batchSize, visible and experiments; options given here win. Default: true. */
  config?: boolean;
  experiments?: Record<string, string>;
  consent?: Consent;
  /** Record nothing where the browser asks for that: Do Not Track, Global Privacy Control. Default: false. */
  respectDoNotTrack?: boolean;
  /** Caps of what is stored for this site; the oldest are dropped beyond, and counted. */
  maxBytes?: number;
  maxEntries?: number;
  maxAgeMs?: number;
  /** The path under `endpoint`, for those who proxy it under a name that no list blocks. */
  path?: string;
}

export interface RecordOptions {
  poolId?: string;
  surface?: string;
  position?: number;
  dwellMs?: number;
  visible?: number;
  /** When it was seen, ms since the epoch; default: now. */
  seenAt?: number;
  /** Fields that travel along, and that the stream ignores. */
  extra?: Record<string, unknown>;
}

export interface ObserveOptions {
  poolId?: string;
  surface?: string;
  position?: number;
}

/** Numbers of this page since it began. */
export interface Stats {
  recorded: number;
  /** Written to the browser's storage. */
  stored: number;
  /** Handed to a transport, resends included. */
  sent: number;
  /** Named stored by a 2xx, rejected ones included. */
  acknowledged: number;
  rejected: number;
  dropped: number;
  /** Recorded by this page and not acknowledged. */
  pending: number;
  attempts: number;
  failures: number;
  storage: "indexeddb" | "localstorage" | "memory" | "opening";
  bytesSent: number;
  /** How far our clock is ahead of the collector's, in ms; 0 until that is known. */
  offsetMs: number;
}

export interface Events {
  record: { impressionId: string; artworkId: string; seenAt: number };
  stored: { impressionIds: string[] };
  sent: { flushId: string; impressionIds: string[]; transport: Transport; reason: Reason; bytes: number };
  acknowledged: { flushId: string; impressionIds: string[]; rejected: { impressionId: string; reason: string }[] };
  failed: { flushId: string; status: number; retryInMs: number };
  /** An impression was given up. */
  dropped: { why: "bytes" | "entries" | "age" | "refused" };
  /** Something in the recorder failed that shouldn't; the page goes on. */
  defect: { message: string };
}

export interface Recorder {
  /** Record the artwork when it was seen in this element; an element that is known gets another artwork. Stops it. */
  observe(element: Element, artworkId: string, options?: ObserveOptions): () => void;
  /** Record it now, for those who decide themselves what is seen. Returns the impression's id; null if not recorded. */
  record(artworkId: string, options?: RecordOptions): string | null;
  /** Send what waits; resolves once an attempt has ended, whichever way. Never rejects. */
  flush(reason?: Reason): Promise<void>;
  stats(): Stats;
  /** Returns what removes the listener. A listener that throws harms nothing. */
  on<K extends keyof Events>(event: K, listener: (detail: Events[K]) => void): () => void;
  setConsent(state: Consent): void;
  /** Flush, and stop: for a user who logs out. What is stored waits for this user's next recorder. */
  destroy(): void;
}

/** Create a recorder for one user. It never throws, and its methods neither. */
export declare const createRecorder: (options: Options) => Recorder;
