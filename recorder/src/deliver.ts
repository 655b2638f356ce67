import { noteTime } from "./clock";
import type { Body } from "./compose";
import { SAFE } from "./entry";
import { post } from "./send/post";
import { take } from "./send/quota";
import type { State } from "./state";
import type { Transport } from "./types";

/** What an answer means for what was sent. */
export interface Answer {
  /** The HTTP status; 0 if there was no answer, or half of one. */
  _status: number;
  /**
   * What the collector refused of it, if it was stored: only a 2xx that names what became of the body says that. A login
   * page's 200, or half of an answer, doesn't.
   */
  _rejected?: { index: number; reason: string }[] | undefined;
  /** Seconds to stay away, as the server asks; 0 or NaN if it doesn't. */
  _wait?: number;
}

/** What the stream takes of a flush, and the collector of a request, with room to spare: compressed it may look small. */
const MOST_BYTES = 1e6;
/** Longer than the collector waits for its brokers (10 s). A hung attempt is a failed one (sentry-javascript#7553). */
const HUNG_MS = 20_000;
/** Longest wait that is believed, in seconds: a proxy's "come back tomorrow" would be the end of this page. */
const MOST_SECONDS = 600;

/** Say of entries whether they are on their way by what survives the page. */
const mark = (body: Body, safe: boolean): void => body._entries.forEach((entry) => (entry[SAFE] = safe));

/** Note that a body is handed to a transport. */
export const sent = (state: State, body: Body, transport: Transport, bytes: number): void => {
  const impressionIds = body._entries.map((entry) => entry.id);
  mark(body, transport != "fetch");
  state._stats.sent += impressionIds.length;
  state._stats.attempts++;
  state._stats.bytesSent += bytes;
  state._emit("sent", { flushId: body._flushId, impressionIds, transport, reason: state._reason!, bytes });
};

/** Send a body by fetch, compressed or not, and read the answer. Never rejects. */
export const deliver = async (
  state: State,
  body: Body,
  keepalive: boolean,
  packed?: Uint8Array<ArrayBuffer> | null,
): Promise<Answer> => {
  const bytes = packed ? packed.length : body._bytes;
  const began = Date.now();
  const answer: Answer = { _status: 0 };
  if (body._bytes > MOST_BYTES) return { _status: 413 };
  sent(state, body, keepalive ? "keepalive" : "fetch", bytes);
  if (keepalive) take(bytes, 1);
  try {
    const response = await fetch(state._url + (packed ? "?encoding=gzip" : ""), {
      ...post(packed || body._text, AbortSignal.timeout?.(HUNG_MS)),
      keepalive,
    });
    const header = (name: string) => response.headers.get(name) as string;
    noteTime(state, began, Date.parse(header("Date")));
    const said = response.ok ? await response.json() : {};
    if (said.accepted >= 0) answer._rejected = said.rejected;
    // A date, which HTTP allows as well, is left to the back-off.
    answer._wait = Math.min(+header("Retry-After"), MOST_SECONDS);
    answer._status = response.status;
  } catch {}
  if (keepalive) take(bytes, -1);
  mark(body, false);
  return answer;
};
