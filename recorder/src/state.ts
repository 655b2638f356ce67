import type { Clock } from "./clock";
import type { Entry } from "./entry";
import type { Caps } from "./store/excess";
import type { Store } from "./store/store";
import type { Events, Stats } from "./types";

/** What the parts of one recorder share. */
export interface State {
  _user: string;
  _to: string;
  _url: string;
  _batch: number;
  /** The most of an attempt: the batch, or less after a 413. */
  _most: number;
  _caps: Caps;
  _tab: string;
  _clock: Clock;
  _stats: Stats;
  /** Further telemetry: offset, returns from the back/forward cache, a discard, defects of ours. */
  _more: Record<string, number>;
  /** What was dropped and not reported yet. */
  _unreported: number;
  /** What was written since the last trim, as a share of the caps. */
  _written: number;

  /** Recorded by this page and not acknowledged, by id, oldest first. */
  _memory: Map<string, Entry>;
  /** Of those: not known to be stored. */
  _unstored: Set<string>;
  /** In an attempt now. */
  _busy: Set<string>;
  /** On their way by what survives the page: an exit needn't send them again. */
  _safe: Set<string>;

  _opening: Promise<Store>;
  _store: Store | undefined;
  /** Consent is given, and the page is active. */
  _allowed: boolean;
  /** Between pagehide and pageshow. */
  _gone: boolean;
  /** Counts exits, so that what was begun before one knows of it. */
  _exits: number;
  _failures: number;
  /** Ours: when to try again. */
  _notBefore: number;
  /** The server's: until when to stay away. */
  _asked: number;
  _gzip: boolean;
  /** Another token was fetched for what was refused. */
  _renewed: boolean;

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
