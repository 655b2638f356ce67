import { attempt } from "./attempt";
import { SAFE, STORED, type Entry } from "./entry";
import type { State } from "./state";
import { claim } from "./store/claim";
import { trim } from "./write";

/** When to look again for entries that another tab has claimed: then it has sent them, or is dead. */
const AGAIN_MS = 11_000;

/** Other tabs' claims may stand before what is free. */
const CLAIMS_BEFORE = 4;

/** Longer than any wait: who would wait so long has had the clock set back. */
const MOST_WAIT_MS = 1e6;

/** How long to wait before the next attempt, in ms. */
export const waits = (state: State): number => {
  const wait = state._notBefore! - Date.now();
  return wait > 0 && wait < MOST_WAIT_MS ? wait : 0;
};

/** Claim what to send next: what is stored for this user, oldest first, then what only memory has. */
const claimed = async (state: State): Promise<Entry[]> => {
  const most = (state._most = Math.min(state._most, state._batch!));
  let found: Entry[] = [];
  let others = false;
  try {
    await state._store!._change(
      false,
      (all) => {
        found = claim(all, state._tab!, most, Date.now());
        others = all.length > found.length;
        return found;
      },
      state._to,
      most * CLAIMS_BEFORE,
    );
  } catch {
    // Lost, or aborted by an exit: memory has this page's own.
    found = [];
    others = false;
  }
  // The store's copy knows how often it was sent.
  let entries = found.map((copy) => Object.assign(state._memory.find((entry) => entry.id == copy.id) || copy, copy)).filter((entry) => !entry[SAFE]);
  if (!entries[0]) {
    // What was stored and isn't there was acknowledged to another tab, or lost: a copy more is harmless.
    const gone = !found[0] && !others;
    entries = state._memory.filter((entry) => !entry[SAFE] && (gone || !entry[STORED])).slice(0, most);
    for (const entry of entries) entry.n++;
    if (others && !entries[0]) state._schedule(AGAIN_MS);
  }
  return entries;
};

/** Send all there is, a batch after another, until something fails. */
export const drain = async (state: State): Promise<void> => {
  while (state._allowed && !state._gone && !waits(state)) {
    // There may be more than the caps allow.
    if (state._failures) await trim(state);
    const entries = await claimed(state);
    if (!entries[0]) return;
    await attempt(state, entries);
  }
};
