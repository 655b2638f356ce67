import type { Options } from "./types";

/** The endpoint without slashes at its end, and where under it flushes go. */
export const target = (options: Options): [string, string] => {
  const endpoint = String(options.endpoint).replace(/\/+$/, "");
  return [endpoint, endpoint + (options.path || "/v1/impressions")];
};
