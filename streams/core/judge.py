"""The rules of contract §4 for one impression at a time. Pure: the state is passed in, A is an argument."""

from dataclasses import dataclass
from enum import Enum, auto

from impression_streams.flush import Impression
from streams.core import decode_fast, window
from streams.core.seen import Seen


@dataclass(frozen=True, slots=True)
class Rules:
    """What the rules leave to the settings. Times in ms."""

    window_ms: int
    lateness_ms: int
    tolerance_ms: int


class Verdict(Enum):
    """What becomes of an impression; the first that applies, in this order."""

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
    bucket_at: window.Lookup,
) -> Verdict:
    """Judge a valid impression against its user's state, which holds all accepted ones before it in log order."""
    age = appended_at - impression.seen_at
    if -age > rules.tolerance_ms:
        return Verdict.FUTURE
    before = seen.has(impression.artwork_id, ordinal)
    if before and age > rules.lateness_ms:
        return Verdict.LATE
    # Without an accepted impression of the artwork none can lie near, so the windows needn't be read.
    if before and window.is_duplicate(impression.artwork_id, impression.seen_at, rules.window_ms, bucket_at):
        return Verdict.DUPLICATE
    return Verdict.REPEAT if before else Verdict.FRESH
