import type { Entry } from "../entry";
import { uuid7 } from "../ids";
import { bytesOf, json } from "../text";
import type { Reason } from "../types";

/** What is said about a flush, besides its impressions. */
export interface About {
  _user: string;
  _token: string;
  _transport: string;
  _reason: Reason;
  /** Entries that wait after it. */
  _queued: number;
  /** Impressions dropped since the last report of any. */
  _dropped: number;
  /** Further numbers, which the stream ignores. */
  _more: Record<string, number>;
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
  const lines: Entry[][] = about._token ? [[]] : [];
  const texts = about._token ? [json({ token: about._token })] : [];
  const heads = new Map<string, Entry[]>();
  for (const entry of entries) heads.set(entry.h, [...(heads.get(entry.h) || []), entry]);
  const now = Date.now();
  let first = "";
  let dropped = about._dropped;
  for (const [head, mine] of heads) {
    const id = uuid7(now);
    first ||= id;
    const attempts = Math.max(...mine.map((entry) => entry.n), 1);
    const telemetry = { ...about._more, attempts, failures: attempts - 1, queued: about._queued, dropped };
    dropped = 0;
    const fields = {
      v: 1,
      flush_id: id,
      user_id: about._user,
      sent_at: now,
      transport: about._transport,
      reason: about._reason,
      telemetry,
    };
    const impressions = mine.map((entry) => entry.i).join();
    texts.push(`${json(fields).slice(0, -1)}${head && "," + head},"impressions":[${impressions}]}`);
    lines.push(mine);
  }
  const text = texts.join("\n");
  return { _text: text, _bytes: bytesOf(text), _flushId: first, _lines: lines };
};
