import { arm } from "./arm";
import type { Body } from "./compose";
import type { Answer } from "./deliver";
import type { Entry } from "./entry";
import type { State } from "./state";
import { bytesOf, json } from "./text";

/** Store or remove, if the page lives: in pagehide nothing may be written. Whoever finds them then sends them once more. */
const change = (state: State, remove: boolean, entries: Entry[]): void => {
  if (!state._gone) state._store?._change(remove, () => entries).catch(state._defect);
};

/** Take entries out of memory. */
export const erase = (state: State, entries: Entry[]): void => {
  state._memory = state._memory.filter((entry) => !entries.some((each) => each.id == entry.id));
};

/** Forget entries, each by its key: others may have been added since (posthog-js#4347). */
export const forget = (state: State, entries: Entry[]): void => {
  erase(state, entries);
  change(state, true, entries);
  arm(state);
};

/** An impression of which the collector said `future` wasn't accepted, so it may have another time: once. */
const corrected = (state: State, entry: Entry): boolean => {
  if (entry.f) return false;
  const impression = JSON.parse(entry.i);
  // By a clock that was ahead, and has been set right since: nothing is seen later than now.
  impression.seen_at = Math.min(impression.seen_at, Date.now()) - state._more.offset_ms;
  entry.i = json(impression);
  entry.b = bytesOf(entry.i);
  entry.f = 1;
  change(state, false, [entry]);
  return true;
};

/** Take in an answer that names what was stored. */
export const settle = (state: State, body: Body, answer: Answer): void => {
  const rejected: { impressionId: string; reason: string }[] = [];
  const done = body._entries.filter((entry, index) => {
    const reason = answer._rejected!.find((each) => each.index == index || each.index < 0)?.reason;
    if (reason == "future" && corrected(state, entry)) return;
    if (reason) rejected.push({ impressionId: entry.id, reason });
    return true;
  });
  state._failures = 0;
  // More may have been dropped since, or left to the next page.
  state._unreported -= Math.min(body._dropped, state._unreported);
  state._stats.acknowledged += done.length;
  state._stats.rejected += rejected.length;
  forget(state, done);
  state._emit("acknowledged", { flushId: body._flushId, impressionIds: done.map((entry) => entry.id), rejected });
};
