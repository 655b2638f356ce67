import type { State } from "./state";
import { limited } from "./limited";

/** How long the page's function may take. */
const HUNG_MS = 10_000;

/** See to a token, unless one is known. Rejects if the page's function does. */
export const authorise = async (state: State): Promise<void> => {
  const { token } = state._options;
  state._token ||= (typeof token == "function" ? await limited(HUNG_MS, token()) : token) || "";
};
