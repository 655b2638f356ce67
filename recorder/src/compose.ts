import type { Entry } from "./entry";
import { body, type Body } from "./send/body";
import type { State } from "./state";
import type { Reason, Transport } from "./types";

/** Write the body of an attempt. */
export const compose = (state: State, entries: Entry[], transport: Transport, reason: Reason): Body =>
  body(entries, {
    _user: state._user,
    _token: state._token,
    _transport: transport,
    _reason: reason,
    _telemetry: {
      ...state._more,
      offset_ms: state._clock._offset || 0,
      queued: Math.max(0, state._memory.size - entries.length),
      dropped: state._unreported,
    },
  });

/** Note that a body is handed to a transport. */
export const sent = (state: State, { _flushId, _lines }: Body, transport: Transport, reason: Reason, bytes: number): void => {
  const impressionIds = _lines.flat().map((entry) => entry.id);
  state._stats.sent += impressionIds.length;
  state._stats.attempts++;
  state._stats.bytesSent += bytes;
  state._emit("sent", { flushId: _flushId, impressionIds, transport, reason, bytes });
};
