import type { Entry } from "./entry";
import { uuid7 } from "./ids";
import type { State } from "./state";
import { bytesOf, json } from "./text";
import type { Transport } from "./types";

/** What a body is written from; the stub has no more than this. */
export type Sender = Pick<State, "_user" | "_token" | "_memory" | "_unreported" | "_reason"> & { _more: object };

/** A request's body: a token's line if there is one, then a flush. */
export interface Body {
  _text: string;
  _bytes: number;
  _flushId: string;
  /** What it holds, in order. */
  _entries: Entry[];
  /** What it reports as dropped. */
  _dropped: number;
}

/** Write a flush of entries, which says of itself what the first of them says. */
export const compose = (sender: Sender, entries: Entry[], transport: Transport): Body => {
  const now = Date.now();
  const flushId = uuid7(now);
  const { h: head, n: attempts } = entries[0]!;
  const dropped = sender._unreported;
  const fields = json({
    v: 1,
    flush_id: flushId,
    user_id: sender._user,
    sent_at: now,
    transport,
    reason: sender._reason,
    telemetry: {
      ...sender._more,
      attempts,
      failures: attempts && attempts - 1,
      queued: Math.max(0, sender._memory.length - entries.length),
      dropped,
    },
  });
  const token = sender._token ? json({ token: sender._token }) + "\n" : "";
  const text = `${token}${fields.slice(0, -1)},${head}"impressions":[${entries.map((entry) => entry.i)}]}`;
  return { _text: text, _bytes: bytesOf(text), _flushId: flushId, _entries: entries, _dropped: dropped };
};
