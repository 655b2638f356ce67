import type { Entry } from "./entry";
import { uuid7 } from "./ids";
import type { State } from "./state";
import { bytesOf, json } from "./text";
import type { Reason, Transport } from "./types";

/** What a body is written from; the stub has no more than this. */
export type Sender = Pick<State, "_user" | "_token" | "_more" | "_memory" | "_unreported">;

/** A request's body: a token's line if there is one, then a flush a line. */
export interface Body {
  _text: string;
  _bytes: number;
  _flushId: string;
  /** By line: what it holds, in order. A token's line holds nothing. */
  _lines: Entry[][];
}

/** Write a body of entries. Those of one session, tier and experiment share a flush. */
export const compose = (sender: Sender, entries: Entry[], transport: Transport, reason: Reason): Body => {
  const { _token: token } = sender;
  const lines: Entry[][] = token ? [[]] : [];
  const texts = token ? [json({ token })] : [];
  const now = Date.now();
  let flushId = "";
  for (const head of new Set(entries.map((entry) => entry.h))) {
    const mine = entries.filter((entry) => entry.h == head);
    const attempts = Math.max(1, ...mine.map((entry) => entry.n));
    const fields = json({
      v: 1,
      flush_id: (flushId = uuid7(now)),
      user_id: sender._user,
      sent_at: now,
      transport,
      reason,
      telemetry: {
        ...sender._more,
        attempts,
        failures: attempts - 1,
        queued: Math.max(0, sender._memory.size - entries.length),
        // Reported once: by the body's first flush.
        dropped: mine[0] == entries[0] ? sender._unreported : 0,
      },
    });
    texts.push(`${fields.slice(0, -1)},${head}"impressions":[${mine.map((entry) => entry.i)}]}`);
    lines.push(mine);
  }
  const text = texts.join("\n");
  return { _text: text, _bytes: bytesOf(text), _flushId: flushId, _lines: lines };
};
