import { attempt } from "./attempt";
import type { Entry } from "./entry";
import type { State } from "./state";
import type { Reason } from "./types";

/** When to look again for entries that another tab has claimed: then it has sent them, or is dead. */
const AGAIN_MS = 11_000;

/** Claim what to send next: what is stored for this user, oldest first, then what couldn't be stored. */
const claimed = async (state: State): Promise<Entry[]> => {
  const store = await state._opening;
  const most = (state._most = Math.min(state._most, state._batch));
  const free = (entry: Entry) => !state._busy.has(entry.id) && !state._safe.has(entry.id);
  let entries: Entry[] = [];
  let all = false;
  try {
    const found = await store._claim(state._to, state._tab, most);
    entries = found._entries.filter(free);
    all = !found._later && !found._entries[0];
    if (found._later && !entries[0]) state._schedule(AGAIN_MS);
  } catch {
    // Lost, or aborted by an exit: memory has this page's own.
    for (const id of state._memory.keys()) state._unstored.add(id);
  }
  for (const [id, entry] of state._memory) {
    const copy = entries.find((each) => each.id == id);
    // The store's copy knows how often it was sent.
    if (copy) state._memory.set(id, copy);
    else if (state._unstored.has(id)) {
      if (free(entry) && entries.length < most) {
        entry.n++;
        entries.push(entry);
      }
    } else if (all && free(entry)) state._memory.delete(id); // acknowledged to another tab
  }
  return entries;
};

/** Send all there is, a batch after another, until something fails. */
export const drain = async (state: State, reason: Reason): Promise<void> => {
  for (let more = true; more; ) {
    const wait = Math.max(state._notBefore, state._asked) - Date.now();
    if (wait > 0) state._schedule(wait);
    if (wait > 0 || !state._allowed || state._gone) return;
    const entries = await claimed(state);
    if (!entries[0]) return;
    entries.forEach((entry) => state._busy.add(entry.id));
    more = await attempt(state, entries, reason);
    entries.forEach((entry) => state._busy.delete(entry.id));
  }
};
