import { compose } from "./compose";
import { deliver, sent } from "./deliver";
import { SAFE, type Entry } from "./entry";
import { beacon } from "./send/beacon";
import { fits } from "./send/quota";
import { sync } from "./send/sync";
import { forget, settle } from "./settle";
import type { State } from "./state";
import type { Reason } from "./types";
import { rescue } from "./write";

/** Small enough to go by two ways: blockers, the quota and crashes take one of them at a time. */
const TWICE_BYTES = 16 * 1024;
/** Impressions of a flush, by the contract. */
const MOST = 500;
/** When a hidden page tries again what its exit couldn't send. */
const AGAIN_MS = 5000;

/** Send entries by keepalive fetch, which no list blocks, and by beacon what is small, and what the quota refuses. */
const leave = (state: State, entries: Entry[]): void => {
  const body = compose(state, entries, "keepalive");
  const bytes = body._bytes;
  const few = entries.length <= MOST;
  const fit = few && fits(bytes);
  if (fit) {
    deliver(state, body, true).then((answer) => {
      // The page is hidden, and lives.
      if (answer._rejected) settle(state, body, answer);
      else state._schedule(AGAIN_MS);
    });
    if (bytes > TWICE_BYTES) return;
  }
  const copy = compose(state, entries, "beacon");
  if (few && beacon(state._url, copy._text)) {
    sent(state, copy, "beacon", bytes);
  } else if (!fit) {
    // In halves what was refused as a whole (posthog-js#4140).
    const half = entries.length >> 1;
    if (half && bytes > TWICE_BYTES) {
      leave(state, entries.slice(0, half));
      leave(state, entries.slice(half));
    } else if (!state._stored && state._gone && sync(state._url, compose(state, entries, "sync")._text)) {
      // Everybody waited for it, so it is only for what would be lost.
      forget(state, entries);
    }
  }
};

/** Whether an exit sends nothing: without consent, or by the server's word, which is obeyed where nothing is lost by it. */
export const mute = (state: State): boolean | undefined => !state._allowed || (state._stored && Date.now() < state._asked!);

/**
 * Send from memory, at once and raw, what is not on its way: nothing that is awaited, or compressed, or put off ends
 * once the page goes. The second of two exit events finds nothing left to send. What nobody takes stays stored.
 */
export const exit = (state: State, reason: Reason): void => {
  state._reason = reason;
  if (state._gone && state._allowed) rescue(state);
  const entries = state._memory.filter((entry) => !entry[SAFE]);
  if (mute(state) || !entries[0]) return;
  for (const entry of entries) entry.n++;
  leave(state, entries);
};
