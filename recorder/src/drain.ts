import { attempt } from "./attempt";
import type { Entry } from "./entry";
import type { State } from "./state";
import type { Claimed } from "./store/store";
import type { Reason } from "./types";

/** When to look again for entries that another tab has claimed: then it has sent them, or is dead. */
const AGAIN_MS = 11_000;

/** Claim what to send next: what is stored for this user, oldest first, then what couldn't be stored. */
const claimed = async (state: State): Promise<Claimed> => {
  const store = await state._opening;
  let found: Claimed = { _entries: [], _later: false };
  try {
    found = await store._claim(state._to, state._tab, state._batch);
  } catch {
    // Lost, or aborted by an exit: memory has this page's own.
    state._memory.forEach((_entry, id) => state._unstored.add(id));
  }
  const free = (entry: Entry) => !state._busy.has(entry.id) && !state._safe.has(entry.id);
  const entries = found._entries.filter(free);
  const ids = new Set(entries.map((entry) => entry.id));
  // The store's copy knows how often it was sent.
  for (const entry of entries) if (state._memory.has(entry.id)) state._memory.set(entry.id, entry);
  for (const entry of state._memory.values()) {
    if (entries.length >= state._batch) break;
    if (state._unstored.has(entry.id) && !ids.has(entry.id) && free(entry)) {
      entry.n++;
      entries.push(entry);
    }
  }
  if (!found._later && !found._entries.length) {
    // What is neither stored nor unwritten was acknowledged to another tab.
    for (const id of state._memory.keys()) {
      if (!state._unstored.has(id) && !state._busy.has(id) && !state._safe.has(id)) state._memory.delete(id);
    }
  }
  return { _entries: entries, _later: found._later };
};

/** Send all there is, a batch after another, until something fails. */
export const drain = async (state: State, reason: Reason): Promise<void> => {
  for (;;) {
    const wait = Math.max(state._notBefore, state._asked) - Date.now();
    if (wait > 0) return state._schedule(wait);
    if (!state._allowed || state._gone) return;
    const { _entries: entries, _later: again } = await claimed(state);
    if (!entries.length) return again ? state._schedule(AGAIN_MS) : undefined;
    entries.forEach((entry) => state._busy.add(entry.id));
    try {
      if (!(await attempt(state, entries, reason)) && !state._gone) {
        state._notBefore = Math.max(state._notBefore, Date.now() + 100);
      }
    } finally {
      entries.forEach((entry) => state._busy.delete(entry.id));
    }
  }
};
