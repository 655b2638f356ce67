import { answer, type Answer } from "./answer";
import { take } from "./quota";

/** Longer than the collector waits for its brokers (10 s). A hung attempt is a failed one (sentry-javascript#7553). */
const HUNG_MS = 20_000;

/** A request without a preflight and without cookies: text/plain, and nothing else in the headers. */
export const post = (body: BodyInit, signal: AbortSignal): RequestInit => ({
  method: "POST",
  body,
  signal,
  headers: { "Content-Type": "text/plain" },
  credentials: "omit",
});

export const NONE: Answer = { _status: 0, _problem: false, _wait: 0, _date: NaN };

/** Send. Never rejects: no answer, or half of one, is NONE. */
export const send = async (url: string, body: BodyInit, size: number, keepalive: boolean): Promise<Answer> => {
  const aborter = new AbortController();
  const timer = setTimeout(() => aborter.abort(), HUNG_MS);
  const give = keepalive ? take(size) : () => {};
  try {
    return await answer(await fetch(url, { ...post(body, aborter.signal), keepalive }));
  } catch {
    return NONE;
  } finally {
    clearTimeout(timer);
    give();
  }
};
