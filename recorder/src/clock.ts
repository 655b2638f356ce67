import type { State } from "./state";

/** Beyond this, in ms, what is recorded gets the collector's time. Less is telemetry: networks are slow, clocks are not. */
const WRONG_MS = 60_000;

/**
 * Take in a round trip: when it began, and the server's time in between; both in ms since the epoch. The quickest so far
 * counts. Only a round trip tells the time: `sent_at` against the arrival has the network in it (PostHog#98250). A `Date`
 * header is cut to the second, so half a second is added to it.
 */
export const noteTime = (state: State, began: number, date: number): void => {
  const took = Date.now() - began;
  if (date && !(took >= state._quickest!)) {
    state._quickest = took;
    state._more.offset_ms = Math.round(began + took / 2 - date - 500);
  }
};

/** The time for an impression, ms since the epoch. */
export const rightTime = ({ _more: { offset_ms: offset } }: State): number =>
  Date.now() - (Math.abs(offset) > WRONG_MS ? offset : 0);
