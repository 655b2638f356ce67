/**
 * What this page has in flight with `keepalive`, all recorders together. Browsers allow 64 KiB at once, in all requests
 * of a page (whatwg/fetch#1816: one more byte is a TypeError like any other), and hang from about ten on
 * (sentry-javascript#7553). Somebody else's requests count too, which nobody can see.
 */
export const QUOTA_BYTES = 60 * 1024;
const QUOTA_REQUESTS = 8;

let bytes = 0;
let requests = 0;

export const left = (): number => (requests < QUOTA_REQUESTS ? QUOTA_BYTES - bytes : 0);

/** Take some of it; returns what gives it back. */
export const take = (size: number): (() => void) => {
  bytes += size;
  requests++;
  return () => {
    bytes -= size;
    requests--;
  };
};
