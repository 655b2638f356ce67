import { dropped } from "./dropped";
import type { Entry } from "./entry";
import type { State } from "./state";
import { put } from "./store/area";

/** So often, of what the caps allow, is looked for what exceeds them. */
const TRIM_SHARE = 0.05;

/** Drop what exceeds the caps. Rejects if the storage fails. */
export const trim = async (state: State): Promise<void> => {
  state._written = 0;
  for (const [, why] of await state._store!._trim(state._caps)) dropped(state, 1, why);
};

/** Store entries as soon as the storage is open; what the exit finds unwritten goes to localStorage, which answers. */
export const write = async (state: State, entries: Entry[]): Promise<void> => {
  try {
    const store = await state._opening;
    if (state._gone || !state._allowed) return;
    await store._put(entries);
    if (store._kind != "memory") {
      entries.forEach((entry) => state._unstored.delete(entry.id));
      state._stats.stored += entries.length;
      state._emit("stored", { impressionIds: entries.map((entry) => entry.id) });
    }
    for (const entry of entries) state._written += entry.b / state._caps.maxBytes + 1 / state._caps.maxEntries;
    if (state._written > TRIM_SHARE) await trim(state);
  } catch {
    // Full, or lost: they stay in memory, and are sent from there. What is stored stays (rudder-sdk-js#3211).
    state._stats.storage = "memory";
  }
};

/** At an exit: no transaction may begin any more, but localStorage takes a write at once, in all engines. */
export const rescue = (state: State): void => {
  try {
    for (const id of state._unstored) put(localStorage, state._memory.get(id)!);
  } catch {
    // Denied or full: what is sent now must do.
  }
};
