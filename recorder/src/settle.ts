import type { Body } from "./compose";
import type { Entry } from "./entry";
import type { Answer } from "./send/fetch";
import type { State } from "./state";
import { bytesOf, json } from "./text";

/** Forget entries, each by its key: others may have been added since (posthog-js#4347). */
export const forget = (state: State, entries: Entry[]): void => {
  for (const entry of entries) state._memory.delete(entry.id);
  // In pagehide nothing may be written: then they are sent once more, by whoever finds them.
  if (!state._gone) state._store?._remove(entries).catch(state._defect);
  state._arm();
};

/** An impression of which the collector said `future` wasn't accepted, so it may have another time: once. */
const corrected = (state: State, entry: Entry): boolean => {
  if (entry.f) return false;
  const impression = JSON.parse(entry.i);
  // By a clock that was ahead, and has been set right since: nothing is seen later than now.
  impression.seen_at = Math.min(impression.seen_at, Date.now()) - state._clock._offset;
  entry.i = json(impression);
  entry.b = bytesOf(entry.i);
  entry.f = 1;
  if (!state._gone) state._store?._put([entry]).catch(state._defect);
  return true;
};

/** Take in an answer that names what was stored. Returns whether the token was good for all of it. */
export const settle = (state: State, body: Body, answer: Answer): boolean => {
  const done: Entry[] = [];
  const rejected: { impressionId: string; reason: string }[] = [];
  let authorised = true;
  body._lines.forEach((entries, line) =>
    entries.forEach((entry, index) => {
      const reason = answer._rejected!.find((each) => each.line == line && (each.index == index || each.index < 0))?.reason;
      if (reason == "unauthorised") {
        authorised = false;
      } else if (reason != "future" || !corrected(state, entry)) {
        done.push(entry);
        if (reason) rejected.push({ impressionId: entry.id, reason });
      }
    }),
  );
  state._failures = state._unreported = 0;
  state._stats.acknowledged += done.length;
  state._stats.rejected += rejected.length;
  forget(state, done);
  state._emit("acknowledged", { flushId: body._flushId, impressionIds: done.map((entry) => entry.id), rejected });
  return authorised;
};
