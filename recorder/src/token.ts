import type { State } from "./state";
import type { Options } from "./types";

/** Return what sees to a token: another one than was refused, if `fresh`. It resolves to whether there is one. */
export const authoriser =
  (state: State, given: Options["token"]): State["_authorise"] =>
  async (fresh) => {
    if (typeof given != "function") {
      state._token = given || "";
      return !fresh;
    }
    if (fresh || !state._token) state._token = (await given()) || "";
    return !!state._token;
  };
