/** Beyond this, in ms, what is recorded gets the collector's time. Less is telemetry: networks are slow, clocks are not. */
const WRONG_MS = 60_000;

/** This browser's clock against the collector's. */
export interface Clock {
  /** How far ours is ahead, in ms, by the quickest round trip so far; 0 until there was one. */
  _offset: number;
  /** Take in a round trip: when it began, and the server's time in between; both in ms since the epoch. */
  _note(began: number, date: number): void;
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
    _offset: 0,
    _note(began, date) {
      const took = Date.now() - began;
      if (date && took < best) {
        best = took;
        clock._offset = Math.round(began + took / 2 - date - 500);
      }
    },
    _now: () => Date.now() - (Math.abs(clock._offset) > WRONG_MS ? clock._offset : 0),
  };
  return clock;
};
