import { dropped } from "./dropped";
import type { Mine, State } from "./state";
import { put } from "./store/area";
import { leaveUnreported } from "./unreported";

/** After each twentieth of what the caps allow is looked for what exceeds them. */
const TRIM_SHARE = 20;

/** Drop what exceeds the caps. Rejects if the storage fails. */
export const trim = async (state: State): Promise<void> => {
  state._written = 0;
  for (const [entry, why] of await state._store!._trim(state._caps)) {
    state._memory.delete(entry.id);
    dropped(state, 1, why);
  }
};

const unstored = (state: State): Mine[] => [...state._memory.values()].filter((mine) => !mine._stored);

/** Store what isn't yet, as soon as the storage is open. */
export const write = async (state: State): Promise<void> => {
  try {
    const store = await state._opening;
    const mine = unstored(state);
    if (state._gone || !state._allowed || !mine[0]) return;
    await store._put(mine.map((each) => each._entry));
    for (const each of mine) {
      each._stored = true;
      state._written += each._entry.b;
    }
    if (state._stored) {
      state._stats.stored += mine.length;
      state._emit("stored", { impressionIds: mine.map((each) => each._entry.id) });
    }
    if (state._written > state._caps.maxBytes / TRIM_SHARE) await trim(state);
  } catch {
    // Full, or lost: they stay in memory, and are sent from there. What is stored stays (rudder-sdk-js#3211).
    state._stored = false;
    state._stats.storage = "memory";
  }
};

/** At an exit: no transaction may begin any more, but localStorage takes a write at once, in all engines. */
export const rescue = (state: State): void => {
  try {
    leaveUnreported(state);
    for (const mine of unstored(state)) put(localStorage, mine._entry);
  } catch {
    // Denied or full: what is sent now must do.
  }
};
