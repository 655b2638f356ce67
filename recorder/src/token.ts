import type { State } from "./state";
import type { Options } from "./types";
import { within } from "./within";

/** How long the page's function may take. */
const HUNG_MS = 10_000;

/** Return what sees to a token, unless one is known. Rejects if the page's function does. */
export const authoriser =
  (state: State, given: Options["token"]): State["_authorise"] =>
  async () => {
    state._token ||= (typeof given == "function" ? await within(HUNG_MS, given()) : given) || "";
  };
