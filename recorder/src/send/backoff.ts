const FIRST_MS = 500;
const MOST_MS = 60_000;

/**
 * Ms to wait after so many failures in a row: full jitter, so that browsers don't come back together after an outage
 * (posthog-js#678). What the server asked for is obeyed, with up to half of it more.
 */
export const backoff = (failures: number, asked?: number): number =>
  asked ? asked * (1000 + Math.random() * 500) : Math.random() * Math.min(MOST_MS, FIRST_MS * 2 ** failures);
