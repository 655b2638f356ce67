import type { State } from "./state";
import type { Events } from "./types";

/** Count what is dropped for good: in numbers, telemetry and an event. */
export const dropped = (state: State, why: Events["dropped"]["why"]): void => {
  state._stats.dropped++;
  state._unreported++;
  state._emit("dropped", { why });
};
