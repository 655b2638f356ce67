import { compose } from "./compose";
import { deliver, mark, sent } from "./deliver";
import type { Entry } from "./entry";
import { beacon } from "./send/beacon";
import { left } from "./send/quota";
import { sync } from "./send/sync";
import { forget, settle } from "./settle";
import type { State } from "./state";
import type { Reason } from "./types";

/** Small enough to go by two ways: blockers, the quota and crashes take one of them at a time. */
const TWICE_BYTES = 16 * 1024;
/** Impressions of a flush, by the contract. */
const MOST = 500;
/** When a hidden page tries again what its exit couldn't send. */
const AGAIN_MS = 5000;

/** Send entries by keepalive fetch, which no list blocks, and by beacon what is small, and what the quota refuses. */
const leave = (state: State, entries: Entry[], reason: Reason): void => {
  const body = compose(state, entries, "keepalive", reason);
  const bytes = body._bytes;
  const few = entries.length <= MOST;
  const fits = few && bytes <= left();
  if (fits) {
    void deliver(state, body, reason, true).then((answer) => {
      // The page is hidden, and lives.
      if (answer._rejected) settle(state, body, answer);
      else state._schedule(AGAIN_MS);
    });
    if (bytes > TWICE_BYTES || bytes > left()) return;
  }
  const copy = compose(state, entries, "beacon", reason);
  if (few && beacon(state._url, copy._text)) {
    mark(state, copy, true);
    sent(state, copy, "beacon", reason, bytes);
  } else if (!fits) {
    // In halves what was refused as a whole (posthog-js#4140).
    const half = entries.length >> 1;
    if (half && bytes > TWICE_BYTES) {
      leave(state, entries.slice(0, half), reason);
      leave(state, entries.slice(half), reason);
    } else if (!state._stored && reason == "pagehide" && sync(state._url, compose(state, entries, "sync", reason)._text)) {
      // Everybody waited for it, so it is only for what would be lost.
      forget(state, entries);
    }
  }
};

/** Whether an exit sends nothing: without consent, or by the server's word, which is obeyed where nothing is lost by it. */
export const mute = (state: State): boolean => !state._allowed || (!!state._stored && Date.now() < state._asked);

/**
 * Send from memory, at once and raw, what is not on its way: nothing that is awaited, or compressed, or put off ends
 * once the page goes. The second of two exit events finds nothing left to send. What nobody takes stays stored.
 */
export const exit = (state: State, reason: Reason): void => {
  if (mute(state)) return;
  const entries = [...state._memory.values()].filter((mine) => !mine._safe).map((mine) => mine._entry);
  for (const entry of entries) entry.n++;
  if (entries[0]) leave(state, entries, reason);
};
