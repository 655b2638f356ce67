import type { Consent, Options } from "./types";

/** The consent that counts: a browser's wish not to be tracked, if the site respects it, stands above what the site says. */
export const consent = (options: Options, given: Consent | undefined): Consent => {
  const { doNotTrack, globalPrivacyControl } = navigator as { doNotTrack?: string | null; globalPrivacyControl?: boolean };
  return options.respectDoNotTrack && (doNotTrack == "1" || globalPrivacyControl) ? "denied" : given || "granted";
};
