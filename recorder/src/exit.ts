import { compose, sent } from "./compose";
import type { Entry } from "./entry";
import { beacon } from "./send/beacon";
import { send } from "./send/fetch";
import { pieces } from "./send/pieces";
import { left, QUOTA_BYTES, take } from "./send/quota";
import { sync } from "./send/sync";
import { forget, settle } from "./settle";
import type { State } from "./state";
import type { Reason } from "./types";

/** Small enough to go by two ways: blockers, the quota and crashes take one of them at a time. */
const TWICE_BYTES = 16 * 1024;
const MOST_IMPRESSIONS = 500;

const keepalive = (state: State, entries: Entry[], reason: Reason): number => {
  const body = compose(state, entries, "keepalive", reason);
  if (body._bytes > left()) return 0;
  sent(state, body, entries, "keepalive", reason, body._bytes);
  send(state._url, body._text, body._bytes, true)
    .then((answer) => answer._stored && settle(state, body, answer))
    .catch(state._defect);
  return body._bytes;
};

/** Hand over by beacon, in halves if the whole is refused (posthog-js#4140). Returns what nobody took. */
const beacons = (state: State, entries: Entry[], reason: Reason): Entry[] => {
  const body = compose(state, entries, "beacon", reason);
  if (beacon(state._url, body._text)) {
    sent(state, body, entries, "beacon", reason, body._bytes);
    state._undo.push(take(body._bytes));
    return [];
  }
  if (entries.length == 1 || body._bytes < TWICE_BYTES) return entries;
  const half = entries.length >> 1;
  return [...beacons(state, entries.slice(0, half), reason), ...beacons(state, entries.slice(half), reason)];
};

/**
 * Send from memory, at once and raw, what is not on its way: nothing that is awaited, or compressed, or put off ends
 * once the page goes. The second of two exit events finds nothing left to send. What nobody takes stays stored.
 */
export const exit = (state: State, reason: Reason): void => {
  state._exits++;
  const stored = state._store && state._store._kind != "memory";
  // The server's word is obeyed where nothing is lost by it.
  if (!state._allowed || (stored && Date.now() < state._asked)) return;
  const mine = [...state._memory.values()].filter((entry) => !state._safe.has(entry.id));
  for (const piece of pieces(mine, QUOTA_BYTES, MOST_IMPRESSIONS, state._token.length)) {
    for (const entry of piece) {
      entry.n++;
      state._safe.add(entry.id);
    }
    const bytes = keepalive(state, piece, reason);
    const rest = !bytes || (bytes < TWICE_BYTES && bytes <= left()) ? beacons(state, piece, reason) : [];
    if (bytes || !rest.length) continue;
    rest.forEach((entry) => state._safe.delete(entry.id));
    if (!stored && reason == "pagehide") {
      const body = compose(state, rest, "sync", reason);
      if (sync(state._url, body._text)) forget(state, rest);
    }
  }
};
