/** A request without a preflight and without cookies: text/plain, and nothing else in the headers. */
export const post = (body: BodyInit, signal?: AbortSignal): RequestInit => ({
  method: "POST",
  body,
  signal: signal!,
  headers: { "Content-Type": "text/plain" },
  credentials: "omit",
});
