import type { Entry } from "../entry";

/** After so long without a word, another tab's entries are anyone's: a copy more is harmless, a dead tab isn't. */
const CLAIM_MS = 10_000;
/** Attempts that an entry has without waiting; later ones have three minutes between them, across all visits. */
const FREE_ATTEMPTS = 20;
const SPARING_MS = 180_000;

/**
 * Claim what a tab may send of a destination's entries, and what shares one flush. They are changed: each attempt is
 * counted before it is made, so that a page that dies while sending can't send without end (withoneai/cli#190).
 */
export const claim = (entries: Entry[], tab: string, most: number, now: number): Entry[] => {
  const claimed = entries
    .filter((entry) => {
      // A clock that was set back makes nobody wait.
      const idle = Math.abs(now - entry.since);
      return idle > SPARING_MS || ((entry.by == tab || idle > CLAIM_MS) && entry.n < FREE_ATTEMPTS);
    })
    .filter((entry, _index, free) => entry.h == free[0]!.h)
    .slice(0, most);
  for (const entry of claimed) {
    entry.n++;
    entry.by = tab;
    entry.since = now;
  }
  return claimed;
};
