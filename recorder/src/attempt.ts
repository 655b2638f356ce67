import { compose, type Body } from "./compose";
import { deliver } from "./deliver";
import { dropped } from "./dropped";
import type { Entry } from "./entry";
import { backoff } from "./send/backoff";
import { NONE, type Answer } from "./send/fetch";
import { gzip } from "./send/gzip";
import { left } from "./send/quota";
import { forget, settle } from "./settle";
import type { State } from "./state";
import type { Reason } from "./types";

/** How long to wait (s) for another token where the server wants one that can't be had. */
const UNAUTHORISED_SECONDS = 60;

/** What the stream takes of a flush, and the collector of a request, with room to spare: compressed it may look small. */
const MOST_BYTES = 1e6;

/** Send a body, compressed if that is worth it. Undefined: the page left meanwhile, and sent it by itself. */
const request = async (state: State, body: Body, reason: Reason): Promise<Answer | undefined> => {
  const packed = state._gzip ? await gzip(body._text).catch(() => void (state._gzip = false)) : null;
  if (body._lines.flat().some((entry) => state._memory.get(entry.id)?._safe)) return;
  // With keepalive as far as the quota goes: it survives the page, and unlike a plain fetch doesn't keep it out of
  // Firefox's back/forward cache. Other code may have used the quota up, so without an answer, once more without it
  // (faro-web-sdk#1898).
  const keepalive = (packed ? packed.length : body._bytes) <= left();
  let answer = await deliver(state, body, reason, keepalive, packed);
  if (keepalive && !answer._status) answer = await deliver(state, body, reason, false, packed);
  if (!packed || (answer._status != 400 && answer._status != 415)) return answer;
  state._gzip = false;
  return request(state, body, reason);
};

/**
 * Send claimed entries, and take in the answer: it says when the rest may follow. What the server can't
 * take together is sent in halves, and what it can't take alone is dropped, so that nothing blocks the queue (snowplow#362).
 */
export const attempt = async (state: State, entries: Entry[], reason: Reason): Promise<void> => {
  const authorised = await state._authorise(false);
  const body = compose(state, entries, "fetch", reason);
  const answer = !authorised ? NONE : body._bytes > MOST_BYTES ? { ...NONE, _status: 413 } : await request(state, body, reason);
  if (!answer) return;
  const status = answer._status;
  let refused = !authorised || status == 401 || status == 403;
  if (answer._rejected) {
    state._most *= 2;
    refused = !settle(state, body, answer);
    if (!refused) return;
  } else {
    // Too large for the server, or for a slow network within the time of an attempt.
    state._most = Math.max(1, entries.length >> 1);
    if (status == 413) {
      if (!entries[1]) {
        forget(state, entries);
        dropped(state, 1, "refused");
      }
      return;
    }
  }
  if (refused && !state._renewed) {
    state._renewed = true;
    if (await state._authorise(true)) return;
  }
  state._renewed = false;
  const wait = backoff(state._failures++, refused ? UNAUTHORISED_SECONDS : answer._wait);
  state._stats.failures++;
  state._notBefore = Date.now() + wait;
  if (answer._wait) {
    state._asked = state._notBefore;
    state._arm();
  }
  state._emit("failed", { flushId: body._flushId, status, retryInMs: Math.round(wait) });
};
