import { attempt } from "./attempt";
import type { Entry } from "./entry";
import type { State } from "./state";
import type { Reason } from "./types";

/** When to look again for entries that another tab has claimed: then it has sent them, or is dead. */
const AGAIN_MS = 11_000;

/** Longer than any wait: who would wait so long has had the clock set back. */
const MOST_WAIT_MS = 1e6;

/** How long to wait before the next attempt, in ms; may be negative. */
export const waits = (state: State): number => {
  const wait = state._notBefore - Date.now();
  return wait < MOST_WAIT_MS ? wait : 0;
};

/** Claim what to send next: what is stored for this user, oldest first, then what couldn't be stored. */
const claimed = async (state: State): Promise<Entry[]> => {
  const store = await state._opening;
  const most = (state._most = Math.min(state._most, state._batch));
  const { _memory: memory } = state;
  let entries: Entry[] = [];
  let none = false;
  try {
    const found = await store._claim(state._to, state._tab, most);
    entries = found._entries.filter((entry) => !memory.get(entry.id)?._safe);
    none = !found._entries[0] && !found._later;
    if (found._later && !entries[0]) state._schedule(AGAIN_MS);
  } catch {
    // Lost, or aborted by an exit: memory has this page's own.
    memory.forEach((mine) => (mine._stored = false));
  }
  for (const [id, mine] of memory) {
    // The store's copy knows how often it was sent.
    const copy = entries.find((each) => each.id == id);
    if (copy) mine._entry = copy;
    else if (!mine._safe && !mine._stored && entries.length < most) {
      mine._entry.n++;
      entries.push(mine._entry);
    } else if (none && mine._stored && !mine._safe) memory.delete(id); // acknowledged to another tab
  }
  return entries;
};

/** Send all there is, a batch after another, until something fails. */
export const drain = async (state: State, reason: Reason): Promise<void> => {
  for (;;) {
    const wait = waits(state);
    if (wait > 0) state._schedule(wait);
    if (wait > 0 || !state._allowed || state._gone) return;
    const entries = await claimed(state);
    if (!entries[0]) return;
    await attempt(state, entries, reason);
  }
};
