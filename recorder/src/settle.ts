import { dropped } from "./dropped";
import type { Entry } from "./entry";
import type { Answer } from "./send/answer";
import type { Body } from "./send/body";
import type { State } from "./state";
import { bytesOf, json } from "./text";

/** Forget entries, each by its key: others may have been added since (posthog-js#4347). */
export const forget = (state: State, entries: Entry[]): void => {
  for (const entry of entries) {
    state._memory.delete(entry.id);
    state._unstored.delete(entry.id);
  }
  if (state._gone) state._unremoved.push(...entries);
  else state._store?._remove(entries).catch(() => state._unremoved.push(...entries));
  state._arm();
};

/** An impression of which the collector said `future` wasn't accepted, so it may have another time: once. */
const corrected = (state: State, entry: Entry): boolean => {
  const offset = state._clock._offset;
  if (entry.f || !(Math.abs(offset) > 0)) return false;
  const impression = JSON.parse(entry.i);
  impression.seen_at -= offset;
  entry.i = json(impression);
  entry.b = bytesOf(entry.i);
  entry.f = 1;
  if (!state._gone) state._store?._put([entry]).catch(() => state._memory.set(entry.id, entry));
  return true;
};

/** Take in an answer that names what was stored. Returns whether all of it was. */
export const settle = (state: State, body: Body, answer: Answer): boolean => {
  const done: Entry[] = [];
  const refused: { impressionId: string; reason: string }[] = [];
  let whole = true;
  body._lines.forEach((entries, line) => {
    const verdicts = answer._rejected.filter((each) => each.line == line);
    entries.forEach((entry, index) => {
      const verdict = verdicts.find((each) => each.index == index || each.index == -1);
      if (verdict?.reason == "unauthorised") {
        whole = false;
      } else if (verdict?.reason == "future" && corrected(state, entry)) {
        whole = false;
      } else {
        done.push(entry);
        if (verdict) refused.push({ impressionId: entry.id, reason: verdict.reason });
      }
    });
  });
  state._stats.acknowledged += done.length;
  state._stats.rejected += refused.length;
  if (refused.length) dropped(state, refused.length, "rejected");
  forget(state, done);
  state._emit("acknowledged", { flushId: body._flushId, impressionIds: done.map((entry) => entry.id), rejected: refused });
  return whole;
};
