import type { Entry } from "../entry";
import { uuid7 } from "../ids";
import { bytesOf, json } from "../text";
import type { Reason, Transport } from "../types";

/** What is said about a flush, besides its impressions. */
export interface About {
  _user: string;
  _token: string;
  _transport: Transport;
  _reason: Reason;
  /** Numbers besides those of the attempts; unknown ones the stream ignores. */
  _telemetry: Record<string, number>;
}

/** A request's body: a token's line if there is one, then a flush a line. */
export interface Body {
  _text: string;
  _bytes: number;
  _flushId: string;
  /** By line: what it holds, in order. A token's line holds nothing. */
  _lines: Entry[][];
}

/** Write a body of entries. Those of one session, tier and experiment share a flush. */
export const body = (entries: Entry[], about: About): Body => {
  const lines: Entry[][] = [];
  const texts: string[] = [];
  let flushId = "";
  if (about._token) {
    lines.push([]);
    texts.push(json({ token: about._token }));
  }
  const now = Date.now();
  for (const head of new Set(entries.map((entry) => entry.h))) {
    const mine = entries.filter((entry) => entry.h == head);
    const attempts = Math.max(1, ...mine.map((entry) => entry.n));
    flushId = uuid7(now);
    const fields = json({
      v: 1,
      flush_id: flushId,
      user_id: about._user,
      sent_at: now,
      transport: about._transport,
      reason: about._reason,
      // What was dropped is reported by the first of them.
      telemetry: { ...about._telemetry, attempts, failures: attempts - 1, dropped: (!lines.flat().length && about._telemetry.dropped) || 0 },
    });
    texts.push(`${fields.slice(0, -1)}${head && "," + head},"impressions":[${mine.map((entry) => entry.i)}]}`);
    lines.push(mine);
  }
  const text = texts.join("\n");
  return { _text: text, _bytes: bytesOf(text), _flushId: flushId, _lines: lines };
};
