import type { Consent, Options } from "./types";

/** Whether this browser asks not to be tracked, and the site wants to know. */
const refused = (options: Options): boolean => {
  const browser = navigator as { doNotTrack?: string | null; globalPrivacyControl?: boolean };
  return !!options.respectDoNotTrack && (browser.doNotTrack == "1" || !!browser.globalPrivacyControl);
};

/** The state that counts: the browser's refusal stands above what the site says. */
export const consent = (options: Options, state: Consent | undefined): Consent =>
  refused(options) ? "denied" : state || "granted";
