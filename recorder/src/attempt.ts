import { compose, sent } from "./compose";
import { dropped } from "./dropped";
import type { Entry } from "./entry";
import { backoff } from "./send/backoff";
import type { Answer } from "./send/answer";
import type { Body } from "./send/body";
import { send } from "./send/fetch";
import { gzip } from "./send/gzip";
import { left } from "./send/quota";
import { forget, settle } from "./settle";
import type { State } from "./state";
import type { Reason } from "./types";

/** How long to wait (s) for another token where the server wants one that can't be had. */
const UNAUTHORISED_SECONDS = 60;

const failed = (state: State, body: Body, answer: Answer, seconds: number): false => {
  const wait = backoff(state._failures++, seconds);
  state._stats.failures++;
  state._notBefore = Date.now() + wait;
  if (seconds && answer._wait) state._asked = state._notBefore;
  state._emit("failed", { flushId: body._flushId, status: answer._status, retryInMs: Math.round(wait) });
  return false;
};

/** One request, compressed if that is worth it. Undefined: the page left while it was compressed, and sent it itself. */
const request = async (state: State, body: Body, entries: Entry[], reason: Reason): Promise<Answer | undefined> => {
  const exits = state._exits;
  const packed = state._gzip ? await gzip(body._text).catch(() => void (state._gzip = false)) : null;
  if (exits != state._exits) return;
  const bytes = packed ? packed.length : body._bytes;
  const url = packed ? state._url + "?encoding=gzip" : state._url;
  const post = async (keepalive: boolean): Promise<Answer> => {
    if (keepalive) entries.forEach((entry) => state._safe.add(entry.id));
    sent(state, body, entries, keepalive ? "keepalive" : "fetch", reason, bytes);
    const began = Date.now();
    const answer = await send(url, packed || body._text, bytes, keepalive);
    state._clock._note(began, Date.now(), answer._date);
    entries.forEach((entry) => state._safe.delete(entry.id));
    return answer;
  };
  // With keepalive as far as the quota goes: it survives the page, and unlike a plain fetch doesn't keep it out of
  // Firefox's back/forward cache. Other code may have used the quota up, so without an answer, once more without it
  // (faro-web-sdk#1898).
  const keepalive = bytes <= left();
  const first = await post(keepalive);
  const answer = first._status || !keepalive || exits != state._exits ? first : await post(false);
  if (packed && (answer._status == 400 || answer._status == 415)) {
    state._gzip = false;
    return request(state, body, entries, reason);
  }
  return answer;
};

/**
 * Send claimed entries, and take in the answer. Returns whether the rest may follow at once. What the server can't
 * take together is sent in halves, and what it can't take alone is dropped, so that nothing blocks the queue (snowplow#362).
 */
export const attempt = async (state: State, entries: Entry[], reason: Reason, fresh = false): Promise<boolean> => {
  if (!(await state._authorise(fresh))) {
    state._notBefore = Date.now() + UNAUTHORISED_SECONDS * 1000;
    return false;
  }
  const body = compose(state, entries, "fetch", reason);
  const answer = await request(state, body, entries, reason);
  if (!answer) return false;
  const status = answer._status;
  if (answer._stored) {
    state._failures = state._unreported = 0;
    return settle(state, body, answer) || (fresh ? failed(state, body, answer, UNAUTHORISED_SECONDS) : true);
  }
  if (status == 413 || status == 400) {
    if (entries.length == 1) {
      forget(state, entries);
      dropped(state, 1, "refused");
      return true;
    }
    const half = entries.length >> 1;
    return (await attempt(state, entries.slice(0, half), reason)) && attempt(state, entries.slice(half), reason);
  }
  if (status == 401 || status == 403) {
    return fresh ? failed(state, body, answer, UNAUTHORISED_SECONDS) : attempt(state, entries, reason, true);
  }
  return failed(state, body, answer, answer._wait);
};
