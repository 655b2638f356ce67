"""Faults of the sending side, injected into good flushes: double fires, second tabs, wrong clocks, late arrival."""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import cast

from demo.plan.drafts import Draft, new_id
from demo.plan.sending import Fields, replays

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
# One in this many sessions with several unsent flushes loses the network.
OFFLINE_EVERY = 6
LONGEST_TAIL_MINUTES = 90
REPLAY_APART_MS = 40
Fault = Callable[[list[Draft], Random, "Counter[str]"], None]


def double_fires(drafts: list[Draft], rng: Random, injected: "Counter[str]") -> None:
    """Safari and Firefox fire twice: the same impression 20 to 90 ms later, under a new impression id."""
    extra = []
    for draft in drafts:
        again = [
            _fired_again(part, rng) for part in draft.impressions if isinstance(part, dict) and rng.random() < 0.04
        ]
        if not again:
            continue
        if rng.random() < 0.5:
            draft.impressions.extend(again)
            injected["double fire, same flush"] += len(again)
        else:
            extra.append(_sibling(draft, list(again), rng, rng.randint(20, 3000)))
            injected["double fire, other flush"] += len(again)
    drafts.extend(extra)


def second_tabs(drafts: list[Draft], rng: Random, injected: "Counter[str]") -> None:
    """Two tabs of one user show the same artworks: another session, other ids, seconds apart, interleaved."""
    extra = []
    for draft in drafts:
        if rng.random() < 0.05:
            shift = rng.randint(-5000, 5000)
            seen = [
                part | {"impression_id": new_id("i", rng), "seen_at": cast(int, part["seen_at"]) + shift}
                for part in draft.impressions
                if isinstance(part, dict)
            ]
            tab = _sibling(draft, list(seen), rng, shift)
            tab.fields["session_id"] = f"tab-{draft.user_id}"
            extra.append(tab)
            injected["second tab, impressions"] += len(seen)
    drafts.extend(extra)


def unknown_fields(drafts: list[Draft], rng: Random, injected: "Counter[str]") -> None:
    """A newer producer sends fields that are still unknown."""
    for draft in rng.sample(drafts, len(drafts) // 30):
        draft.spoilt = True
        draft.fields["device"] = {"os": "other", "dpr": 2.0, "languages": ["en", None]}
        for part in draft.impressions:
            if isinstance(part, dict):
                part["zoom"] = 1.5
        injected["flush with unknown fields"] += 1


def duplicate_keys(drafts: list[Draft], rng: Random, injected: "Counter[str]") -> None:
    """Keys occur twice: the last one wins."""
    for draft in rng.sample(drafts, len(drafts) // 50):
        draft.spoilt = True
        draft.before = '"user_id":5,"impressions":[{"impression_id":""}],"v":2,'
        injected["flush with duplicate keys"] += 1


def wrong_clocks(drafts: list[Draft], rng: Random, injected: "Counter[str]") -> None:
    """Events 30 hours old, of artworks that the user has or hasn't seen, and events an hour ahead."""
    end = max(draft.at for draft in drafts)
    seen: dict[str, list[Fields]] = {}
    for draft in sorted(drafts, key=lambda draft: draft.at):
        earlier = seen.setdefault(draft.user_id, [])
        if earlier and rng.random() < 0.02:
            # Several of the user's earliest, so arrival out of order can hardly hide all of them.
            draft.impressions.extend(_moved(part, end - 30 * HOUR_MS - n, rng) for n, part in enumerate(earlier[:3]))
            injected["30 h old, seen before"] += len(earlier[:3])
        if rng.random() < 0.02:
            old = _moved(cast(Fields, draft.impressions[0]), end - 30 * HOUR_MS, rng)
            draft.impressions.append(old | {"artwork_id": f"archive-{rng.randint(1, 5)}"})
            injected["30 h old, archive"] += 1
        if rng.random() < 0.02:
            draft.impressions.append(_moved(cast(Fields, draft.impressions[0]), end + HOUR_MS, rng))
            injected["an hour ahead"] += 1
        earlier.extend(part for part in draft.impressions if isinstance(part, dict))


def offline_stretches(drafts: list[Draft], rng: Random, injected: "Counter[str]") -> None:
    """A phone loses the network before a session's end: the rest is replayed in order, 2 to 8 hours later."""
    end = max(draft.at for draft in drafts)
    tails = [tail for tail in _session_tails(drafts, rng) if tail[-1].at <= end - 2 * HOUR_MS]
    for unsent in rng.sample(tails, len(tails) // OFFLINE_EVERY):
        back_at = rng.randint(unsent[-1].at + 2 * HOUR_MS, min(end, unsent[-1].at + 8 * HOUR_MS))
        for number, fields in enumerate(replays(len(unsent), rng)):
            unsent[number].at = back_at + number * REPLAY_APART_MS
            unsent[number].fields |= fields
        injected["offline stretch"] += 1
        injected["flush hours late"] += len(unsent)


def out_of_order(drafts: list[Draft], rng: Random, injected: "Counter[str]") -> None:
    """Flushes overtake each other within groups of a dozen."""
    drafts.sort(key=lambda draft: draft.at)
    for start in range(0, len(drafts) - 12, 40):
        span = drafts[start : start + 12]
        times = [draft.at for draft in span]
        rng.shuffle(times)
        for draft, at in zip(span, times, strict=True):
            injected["flush out of order"] += draft.at != at
            draft.at = at


# The order matters because some faults build on others: arrival is decided last.
FLOWS: dict[str, Fault] = {
    "double fires": double_fires,
    "second tabs": second_tabs,
    "wrong clocks": wrong_clocks,
    "unknown fields": unknown_fields,
    "duplicate keys": duplicate_keys,
    "offline stretches": offline_stretches,
    "out of order": out_of_order,
}


def window_edges(at: int, window_ms: int, rng: Random, injected: "Counter[str]") -> list[Draft]:
    """Pairs of impressions one window minus 1, plus 0 and plus 1 ms apart, in both orders, at three alignments."""
    drafts = []
    for offset in (-1, 0, 1):
        for first_later in (False, True):
            for alignment in (-1, 0, 1):
                start = at - 5 * window_ms
                start += alignment - start % window_ms
                times = [start, start + window_ms + offset]
                user_id = f"edge-{offset + 1}-{int(first_later)}-{alignment + 1}"
                seen: list[Fields | str] = [
                    {"impression_id": new_id("i", rng), "artwork_id": "a0001", "seen_at": time}
                    for time in (reversed(times) if first_later else times)
                ]
                fields: Fields = {"v": 1, "flush_id": new_id("f", rng), "user_id": user_id, "sent_at": at}
                drafts.append(Draft(at, fields, seen))
                injected[f"window {offset:+d} ms apart" if offset else "window exactly apart"] += 1
    return drafts


def _session_tails(drafts: list[Draft], rng: Random) -> list[list[Draft]]:
    """Return the flushes that pages sent in the last minutes of their sessions, if there were several: a queue."""
    sessions: dict[str, list[Draft]] = {}
    for draft in sorted(drafts, key=lambda draft: draft.at):
        if draft.fields.get("transport", "sdk") != "sdk" and "session_id" in draft.fields:
            sessions.setdefault(str(draft.fields["session_id"]), []).append(draft)
    tails = []
    for session in sessions.values():
        lost_at = session[-1].at - rng.randint(5, LONGEST_TAIL_MINUTES) * MINUTE_MS
        tails.append([draft for draft in session if draft.at >= lost_at])
    return [tail for tail in tails if len(tail) > 1]


def _fired_again(impression: Fields, rng: Random) -> Fields:
    seen_at = cast(int, impression["seen_at"]) + rng.randint(20, 90)
    return impression | {"impression_id": new_id("i", rng), "seen_at": seen_at}


def _moved(impression: Fields, seen_at: int, rng: Random) -> Fields:
    return impression | {"impression_id": new_id("i", rng), "seen_at": seen_at}


def _sibling(draft: Draft, impressions: list[Fields | str], rng: Random, later_ms: int) -> Draft:
    return Draft(draft.at + later_ms, draft.fields | {"flush_id": new_id("f", rng)}, impressions)
