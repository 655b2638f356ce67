/**
 * What this page may have in flight with `keepalive`, all recorders together. Browsers allow 64 KiB at once, in all
 * requests of a page (whatwg/fetch#1816: one more byte is a TypeError like any other), and hang from about ten on
 * (sentry-javascript#7553). Somebody else's requests count too, which nobody can see.
 */
const QUOTA_BYTES = 60 * 1024;
/** A small request counts as so many bytes, so that there are no more than eight at once. */
const LEAST_BYTES = QUOTA_BYTES / 8;

let left = QUOTA_BYTES;

/** Whether so many bytes are left of it. */
export const fits = (bytes: number): boolean => Math.max(bytes, LEAST_BYTES) <= left;

/** Take some of it, or give it back. */
export const take = (bytes: number, sign: 1 | -1): void => {
  left -= sign * Math.max(bytes, LEAST_BYTES);
};
