import type { Options } from "./types";

/** Return what gets a token: another one if it was refused. It resolves to null if there is none to be had. */
export const tokens = (given: Options["token"]) => {
  let known: string | null = typeof given == "string" ? given : "";
  return async (fresh: boolean): Promise<string | null> => {
    if (typeof given == "function" && (fresh || !known)) known = await given();
    return known;
  };
};
