import { arm } from "./arm";
import { compose } from "./compose";
import { deliver } from "./deliver";
import { dropped } from "./dropped";
import { SAFE, type Entry } from "./entry";
import { backoff } from "./send/backoff";
import { gzip } from "./send/gzip";
import { fits } from "./send/quota";
import { forget, settle } from "./settle";
import type { State } from "./state";
import { authorise } from "./token";

/**
 * Send claimed entries, and take in the answer: it says when the rest may follow. What the server can't
 * take together is sent in halves, and what it can't take alone is dropped, so that nothing blocks the queue (snowplow#362).
 */
export const attempt = async (state: State, entries: Entry[]): Promise<void> => {
  await authorise(state);
  const body = compose(state, entries, "fetch");
  const packed = state._raw ? null : await gzip(body._text).catch(() => (state._raw = true) && null);
  // The page left meanwhile, and sent it by itself.
  if (entries.some((entry) => entry[SAFE])) return;
  // With keepalive as far as the quota goes: it survives the page, and unlike a plain fetch doesn't keep it out of
  // Firefox's back/forward cache. Other code may have used the quota up, so without an answer, once more without it
  // (faro-web-sdk#1898).
  const keepalive = fits(packed ? packed.length : body._bytes);
  let answer = await deliver(state, body, keepalive, packed);
  if (keepalive && !answer._status) answer = await deliver(state, body, false, packed);
  const { _status: status, _wait: asked } = answer;
  if (answer._rejected) {
    state._most *= 2;
    return settle(state, body, answer);
  }
  if (packed && (status == 400 || status == 415)) {
    state._raw = true;
    return;
  }
  // Too large for the server, or for a slow network within the time of an attempt.
  state._most = entries.length >> 1 || 1;
  if (status == 413) {
    if (!entries[1]) {
      forget(state, entries);
      dropped(state, "refused");
    }
    return;
  }
  // The next attempt asks for another one.
  if (status == 401 || status == 403) state._token = "";
  const wait = backoff(state._failures++, asked);
  state._stats.failures++;
  state._notBefore = Date.now() + wait;
  if (asked) {
    state._asked = state._notBefore;
    arm(state);
  }
  state._emit("failed", { flushId: body._flushId, status, retryInMs: wait });
};
