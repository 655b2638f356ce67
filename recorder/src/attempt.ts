import { compose, sent } from "./compose";
import { dropped } from "./dropped";
import type { Entry } from "./entry";
import type { Answer } from "./send/answer";
import { backoff } from "./send/backoff";
import type { Body } from "./send/body";
import { NONE, send } from "./send/fetch";
import { gzip } from "./send/gzip";
import { left } from "./send/quota";
import { forget, settle } from "./settle";
import type { State } from "./state";
import type { Reason } from "./types";

/** How long to wait (s) for another token where the server wants one that can't be had. */
const UNAUTHORISED_SECONDS = 60;

/** Send a body, compressed if that is worth it. Undefined: the page left meanwhile, and sent it by itself. */
const request = async (state: State, body: Body, reason: Reason): Promise<Answer | undefined> => {
  const exits = state._exits;
  const ids = body._lines.flat().map((entry) => entry.id);
  const packed = state._gzip ? await gzip(body._text).catch(() => void (state._gzip = false)) : null;
  const bytes = packed ? packed.length : body._bytes;
  let answer: Answer | undefined;
  // With keepalive as far as the quota goes: it survives the page, and unlike a plain fetch doesn't keep it out of
  // Firefox's back/forward cache. Other code may have used the quota up, so without an answer, once more without it
  // (faro-web-sdk#1898).
  for (let keepalive = bytes <= left(); exits == state._exits; keepalive = false) {
    if (keepalive) ids.forEach((id) => state._safe.add(id));
    sent(state, body, keepalive ? "keepalive" : "fetch", reason, bytes);
    const began = Date.now();
    answer = await send(state._url + (packed ? "?encoding=gzip" : ""), packed || body._text, bytes, keepalive);
    state._clock._note(began, Date.now(), answer._date);
    ids.forEach((id) => state._safe.delete(id));
    if (answer._status || !keepalive) break;
  }
  if (packed && (answer?._status == 400 || answer?._status == 415)) {
    state._gzip = false;
    return request(state, body, reason);
  }
  return answer;
};

/**
 * Send claimed entries, and take in the answer. Returns whether the rest may follow at once. What the server can't
 * take together is sent in halves, and what it can't take alone is dropped, so that nothing blocks the queue (snowplow#362).
 */
export const attempt = async (state: State, entries: Entry[], reason: Reason): Promise<boolean> => {
  const authorised = await state._authorise(false);
  const body = compose(state, entries, "fetch", reason);
  const answer = authorised ? await request(state, body, reason) : NONE;
  if (!answer) return false;
  const status = answer._status;
  let refused = !authorised || status == 401 || status == 403;
  if (answer._rejected) {
    state._failures = state._unreported = 0;
    state._most *= 2;
    refused = !settle(state, body, answer);
    if (!refused) return true;
  } else if (status == 413 || (status == 400 && answer._problem)) {
    state._most = Math.max(1, entries.length >> 1);
    if (!entries[1]) {
      forget(state, entries);
      dropped(state, 1, "refused");
    }
    return true;
  }
  if (refused && !state._renewed) {
    state._renewed = true;
    if (await state._authorise(true)) return true;
  }
  state._renewed = false;
  const wait = backoff(state._failures++, refused ? UNAUTHORISED_SECONDS : answer._wait);
  state._stats.failures++;
  state._notBefore = Date.now() + wait;
  if (answer._wait) state._asked = state._notBefore;
  state._emit("failed", { flushId: body._flushId, status, retryInMs: Math.round(wait) });
  return false;
};
