import { arm } from "./arm";
import { dropped } from "./dropped";
import { STORED, type Entry } from "./entry";
import { erase } from "./settle";
import type { State } from "./state";
import { put } from "./store/area";
import { excess, type Excess } from "./store/excess";
import { tried } from "./tried";
import { keepUnreported } from "./unreported";

/** Drop what exceeds the caps, whoever's it is. */
export const trim = async (state: State): Promise<void> => {
  let over: Excess = [];
  try {
    await state._store!._change(true, (all) => (over = excess(all, state._options, Date.now())).map(([entry]) => entry), "");
    for (const [entry, why] of over) {
      erase(state, [entry]);
      dropped(state, why);
    }
  } catch {} // Nothing can be written.
};

const unstored = (state: State): Entry[] => state._memory.filter((entry) => !entry[STORED]);

/** Store what isn't yet, if the storage is open. All of one task share a transaction, which begins before the page can go. */
export const write = async (state: State): Promise<void> => {
  const { _store: store } = state;
  if (!store || state._writing) return;
  state._writing = true;
  await 0;
  state._writing = false;
  arm(state);
  const entries = unstored(state);
  if (state._gone || !state._allowed || !entries[0]) return;
  try {
    await store._change(false, () => entries);
    for (const entry of entries) entry[STORED] = true;
    if (state._stored) {
      state._stats.stored += entries.length;
      state._emit("stored", { impressionIds: entries.map((entry) => entry.id) });
    }
  } catch {
    // Full, or lost: they stay in memory, and are sent from there. What is stored stays (rudder-sdk-js#3211).
    state._stored = false;
    state._stats.storage = "memory";
  }
};

/** At an exit: no transaction may begin any more, but localStorage takes a write at once, in all engines, unless it is denied or full. */
export const rescue = (state: State): void =>
  tried(() => {
    keepUnreported(state, true);
    for (const entry of unstored(state)) put(localStorage, entry);
  });
