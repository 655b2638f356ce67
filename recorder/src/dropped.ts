import type { State } from "./state";
import type { Events } from "./types";

/** Count what is dropped for good: in numbers, telemetry and an event. */
export const dropped = (state: State, count: number, why: Events["dropped"]["why"]): void => {
  state._stats.dropped += count;
  state._unreported += count;
  state._emit("dropped", { count, why });
};
