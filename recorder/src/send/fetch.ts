import { take } from "./quota";

/** What an answer means for what was sent. */
export interface Answer {
  /** The HTTP status; 0 if there was no answer. */
  _status: number;
  /**
   * What the collector refused of it, if it was stored: only a 2xx that names what became of the body says that. A login
   * page's 200, or half of an answer, doesn't.
   */
  _rejected?: { line: number; index: number; reason: string }[];
  /** Seconds to stay away, as the server asks; 0 if it doesn't. */
  _wait: number;
  /** When the server answered, ms since the epoch by its clock; NaN if unknown. */
  _date: number;
}

/** No answer, or half of one. */
export const NONE: Answer = { _status: 0, _wait: 0, _date: NaN };

/** Longer than the collector waits for its brokers (10 s). A hung attempt is a failed one (sentry-javascript#7553). */
const HUNG_MS = 20_000;
/** Longest wait that is believed, in seconds: a proxy's "come back tomorrow" would be the end of this page. */
const MOST_SECONDS = 600;

/** A request without a preflight and without cookies: text/plain, and nothing else in the headers. */
export const post = (body: BodyInit, signal: AbortSignal): RequestInit => ({
  method: "POST",
  body,
  signal,
  headers: { "Content-Type": "text/plain" },
  credentials: "omit",
});

/** Send so many bytes, and read the answer. Never rejects. */
export const send = async (url: string, body: BodyInit, bytes: number, keepalive: boolean): Promise<Answer> => {
  const aborter = new AbortController();
  const timer = setTimeout(() => aborter.abort(), HUNG_MS);
  const give = keepalive ? take(bytes) : () => {};
  try {
    const response = await fetch(url, { ...post(body, aborter.signal), keepalive });
    const header = (name: string) => response.headers.get(name) as string;
    const said = response.ok ? await response.json() : {};
    return {
      _status: response.status,
      _rejected: said.accepted >= 0 && Array.isArray(said.rejected) ? said.rejected : undefined,
      // A date, which HTTP allows as well, is left to the back-off.
      _wait: Math.min(+header("Retry-After") || 0, MOST_SECONDS),
      _date: Date.parse(header("Date")),
    };
  } catch {
    return NONE;
  } finally {
    clearTimeout(timer);
    give();
  }
};
