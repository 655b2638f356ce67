/** Beyond this, in ms, what is recorded gets the collector's time. Less is telemetry: networks are slow, clocks are not. */
const WRONG_MS = 60_000;

/** This browser's clock against the collector's. */
export interface Clock {
  /** How far ours is ahead, in ms, by the quickest round trip so far; NaN until there was one. */
  _offset: number;
  _note(began: number, ended: number, date: number): void;
  /** The time for an impression, ms since the epoch. */
  _now(): number;
}

/**
 * Only a round trip tells the time: `sent_at` against the arrival has the network in it (PostHog#98250). A `Date` header
 * is cut to the second, so half a second is added to it.
 */
export const createClock = (): Clock => {
  let best = Infinity;
  const clock: Clock = {
    _offset: NaN,
    _note(began, ended, date) {
      if (date && ended - began < best) {
        best = ended - began;
        clock._offset = Math.round((began + ended) / 2 - date - 500);
      }
    },
    _now: () => Date.now() - (Math.abs(clock._offset) > WRONG_MS ? clock._offset : 0),
  };
  return clock;
};
