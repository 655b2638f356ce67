import type { State } from "./state";
import type { Options } from "./types";
import { within } from "./within";

/** How long the page's function may take. */
const HUNG_MS = 10_000;

/** Return what sees to a token: another one than was refused, if `fresh`. It resolves to whether there is one. */
export const authoriser =
  (state: State, given: Options["token"]): State["_authorise"] =>
  async (fresh) => {
    if (typeof given != "function") {
      state._token = given || "";
      return !fresh;
    }
    if (fresh || !state._token) state._token = (await within(HUNG_MS, Promise.resolve(given()))) || "";
    return !!state._token;
  };
