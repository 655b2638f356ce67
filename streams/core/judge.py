"""The rules of contract §4 for one impression at a time. Pure: the state and A are arguments."""

from dataclasses import dataclass
from enum import Enum, auto

from impression_streams.flush import Impression
from streams.core import decode_fast, window
from streams.core.seen import Seen


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules' settings, in ms."""

    window_ms: int
    lateness_ms: int
    tolerance_ms: int


class Verdict(Enum):
    """What becomes of an impression: the first of these that applies, in this order."""

    FUTURE = auto()
    LATE = auto()
    DUPLICATE = auto()
    REPEAT = auto()
    FRESH = auto()


def judge(
    impression: Impression | decode_fast.Impression,
    appended_at: int,
    rules: Rules,
    seen: Seen,
    ordinal: int | None,
    time_of: window.Lookup,
    kept_since: int = 0,
) -> Verdict:
    """Judge a valid impression against its user's state, which holds all accepted ones that precede it in log order.

    What could match an impression seen before `kept_since` (ms) may have been swept, by another lateness than now.
    """
    age = appended_at - impression.seen_at
    if -age > rules.tolerance_ms:
        return Verdict.FUTURE
    before = (ordinal is not None and ordinal in seen.ordinals) or impression.artwork_id in seen.uncatalogued
    if before and (age > rules.lateness_ms or impression.seen_at < kept_since):
        return Verdict.LATE
    # If the artwork was never accepted before, there is no duplicate to look for: don't read the windows.
    if before and window.is_duplicate(impression.artwork_id, impression.seen_at, rules.window_ms, time_of):
        return Verdict.DUPLICATE
    return Verdict.REPEAT if before else Verdict.FRESH
