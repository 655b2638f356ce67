import { compose, sent } from "./compose";
import type { Entry } from "./entry";
import { beacon } from "./send/beacon";
import { send } from "./send/fetch";
import { pieces } from "./send/pieces";
import { left, QUOTA_BYTES } from "./send/quota";
import { sync } from "./send/sync";
import { forget, settle } from "./settle";
import type { State } from "./state";
import type { Reason } from "./types";

/** Small enough to go by two ways: blockers, the quota and crashes take one of them at a time. */
const TWICE_BYTES = 16 * 1024;
/** When a hidden page tries again what its exit couldn't send. */
const AGAIN_MS = 5000;

/** Hand over by beacon, in halves if the whole is refused (posthog-js#4140). Returns what nobody took. */
const beacons = (state: State, entries: Entry[], reason: Reason): Entry[] => {
  const body = compose(state, entries, "beacon", reason);
  if (beacon(state._url, body._text)) {
    sent(state, body, "beacon", reason, body._bytes);
    return [];
  }
  const half = entries.length >> 1;
  if (!half || body._bytes < TWICE_BYTES) return entries;
  return [...beacons(state, entries.slice(0, half), reason), ...beacons(state, entries.slice(half), reason)];
};

/**
 * Send from memory, at once and raw, what is not on its way: nothing that is awaited, or compressed, or put off ends
 * once the page goes. The second of two exit events finds nothing left to send. What nobody takes stays stored.
 *
 * By keepalive fetch first, since lists block beacons; by beacon, too, what is small, and what the quota refuses.
 */
export const exit = (state: State, reason: Reason): void => {
  const stored = state._store && state._store._kind != "memory";
  state._exits++;
  // The server's word is obeyed where nothing is lost by it.
  if (!state._allowed || (stored && Date.now() < state._asked)) return;
  const mine = [...state._memory.values()].filter((entry) => !state._safe.has(entry.id));
  for (const piece of pieces(mine, QUOTA_BYTES, state._token.length)) {
    for (const entry of piece) {
      entry.n++;
      state._safe.add(entry.id);
    }
    const body = compose(state, piece, "keepalive", reason);
    const fits = body._bytes <= left();
    if (fits) {
      sent(state, body, "keepalive", reason, body._bytes);
      void send(state._url, body._text, body._bytes, true).then((answer) => {
        if (answer._rejected) settle(state, body, answer);
        // Hidden only, and still alive.
        piece.forEach((entry) => state._safe.delete(entry.id));
        state._schedule(AGAIN_MS);
      });
      if (body._bytes > TWICE_BYTES || body._bytes > left()) continue;
    }
    const rest = beacons(state, piece, reason);
    if (fits) continue;
    rest.forEach((entry) => state._safe.delete(entry.id));
    // Everybody would wait for it, so it is only for what would be lost.
    if (rest[0] && !stored && reason == "pagehide" && sync(state._url, compose(state, rest, "sync", reason)._text)) forget(state, rest);
  }
};
