import type { Options } from "./types";

/** Return what gets a token: another one than was refused, if `fresh`. It resolves to null if there is none to be had. */
export const tokens = (given: Options["token"]) => {
  let known = typeof given == "string" ? given : "";
  return async (fresh: boolean): Promise<string | null> => {
    if (typeof given != "function") return fresh ? null : known;
    if (fresh || !known) known = (await given()) || "";
    return known || null;
  };
};
