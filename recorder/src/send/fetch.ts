import { answer, NONE, type Answer } from "./answer";
import { take } from "./quota";

/** Longer than the collector waits for its brokers (10 s). A hung attempt is a failed one (sentry-javascript#7553). */
const HUNG_MS = 20_000;

export const TEXT = { "Content-Type": "text/plain;charset=UTF-8" };

/** Send, without a preflight and without cookies: text/plain, and nothing in the headers. Never rejects. */
export const send = async (url: string, body: BodyInit, size: number, keepalive: boolean): Promise<Answer> => {
  const aborter = new AbortController();
  const timer = setTimeout(() => aborter.abort(), HUNG_MS);
  const give = keepalive ? take(size) : () => 0;
  try {
    const init: RequestInit = { method: "POST", body, keepalive, headers: TEXT, credentials: "omit", signal: aborter.signal };
    return await answer(await fetch(url, init));
  } catch {
    return NONE;
  } finally {
    clearTimeout(timer);
    give();
  }
};
