import type { Entry } from "./entry";
import { body, type Body } from "./send/body";
import type { State } from "./state";
import type { Reason, Transport } from "./types";

/** Write the body of an attempt, and count it. */
export const compose = (state: State, entries: Entry[], transport: Transport, reason: Reason): Body => {
  const offset = state._clock._offset;
  const found = body(entries, {
    _user: state._user,
    _token: state._token,
    _transport: transport,
    _reason: reason,
    _queued: Math.max(0, state._memory.size - entries.length),
    _dropped: state._unreported,
    _more: offset ? { ...state._more, offset_ms: offset } : state._more,
  });
  return found;
};

/** Note that a body is handed to a transport. */
export const sent = (state: State, found: Body, entries: Entry[], transport: Transport, reason: Reason, bytes: number): void => {
  state._stats.sent += entries.length;
  state._stats.attempts++;
  state._stats.bytesSent += bytes;
  const impressionIds = entries.map((entry) => entry.id);
  state._emit("sent", { flushId: found._flushId, impressionIds, transport, reason, bytes });
};
