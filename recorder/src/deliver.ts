import type { Body } from "./compose";
import { send, type Answer } from "./send/fetch";
import type { State } from "./state";
import type { Reason, Transport } from "./types";

/** Note that a body is handed to a transport. */
export const sent = (state: State, body: Body, transport: Transport, reason: Reason, bytes: number): void => {
  const impressionIds = body._lines.flat().map((entry) => entry.id);
  state._stats.sent += impressionIds.length;
  state._stats.attempts++;
  state._stats.bytesSent += bytes;
  state._emit("sent", { flushId: body._flushId, impressionIds, transport, reason, bytes });
};

/** Say of entries whether they are on their way by what survives the page. */
export const mark = (state: State, body: Body, safe: boolean): void => {
  for (const entry of body._lines.flat()) {
    const mine = state._memory.get(entry.id);
    if (mine) mine._safe = safe;
  }
};

/** Send a body by fetch, compressed or not. Never rejects. */
export const deliver = async (
  state: State,
  body: Body,
  reason: Reason,
  keepalive: boolean,
  packed?: Uint8Array<ArrayBuffer> | null,
): Promise<Answer> => {
  const bytes = packed ? packed.length : body._bytes;
  const began = Date.now();
  mark(state, body, keepalive);
  sent(state, body, keepalive ? "keepalive" : "fetch", reason, bytes);
  const answer = await send(state._url + (packed ? "?encoding=gzip" : ""), packed || body._text, bytes, keepalive);
  state._clock._note(began, answer._date);
  state._more.offset_ms = state._clock._offset;
  mark(state, body, false);
  return answer;
};
