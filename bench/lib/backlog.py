"""The backlog: impressions as producers would have sent them, the same in every run."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

import orjson

USERS = 10_000
ARTWORKS = 265
POOL = "main"
SEED = 20_241_124
# The events span an hour: six windows, so some second looks at an artwork are duplicates by rule 2 and some are not.
SPAN_MS = 3_600_000
# Records are out of order by up to the time that a producer's batch waits.
DISORDER_MS = 5_000
# One record in ten is a retry, so one original in nine is sent again.
RETRIED = 1 / 9
# A retry comes within 5,000 records of its original. The remaining hundred leave room for retries that fall due at
# the same time: only one can be next.
RETRY_WITHIN = 5_000
RETRY_DRAWN = RETRY_WITHIN - 100


class Seen(NamedTuple):
    """One user saw one artwork: what identifies an accepted impression."""

    user: int
    artwork: int
    seen_at: int
    """Milliseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of `impressions.v1`: one flush."""

    number: int
    """The flush's id; a retry has its original's."""
    impressions: tuple[Seen, ...]

    @property
    def user_id(self) -> str:
        """The user's id, the record's key."""
        return user_id(self.impressions[0].user)

    def value(self) -> bytes:
        """Return the flush as the SDK writes it; a retry's value equals its original's byte for byte."""
        return orjson.dumps(
            {
                "v": 1,
                "flush_id": f"f{self.number}",
                "user_id": self.user_id,
                "session_id": f"s{self.impressions[0].user}",
                "sent_at": self.impressions[-1].seen_at,
                "transport": "sdk",
                "reason": "timer",
                "tier": "free",
                "impressions": [
                    {
                        "impression_id": f"i{self.number}-{index}",
                        "artwork_id": artwork_id(seen.artwork),
                        "seen_at": seen.seen_at,
                        "pool_id": POOL,
                        "dwell_ms": 1200,
                        "position": index,
                        "surface": "gallery",
                    }
                    for index, seen in enumerate(self.impressions)
                ],
            }
        )


def user_id(user: int) -> str:
    """Return the id of the user with this number."""
    return f"u{user:05d}"


def artwork_id(artwork: int) -> str:
    """Return the id of the artwork with this number, which is also its ordinal."""
    return f"a{artwork:04d}"


def records(
    impressions: int, size: int, start_ms: int, seed: int = SEED, users: range = range(USERS)
) -> Iterator[Record]:
    """Yield records that hold exactly so many impressions of these users, retries included.

    `size` is how many impressions a record holds: 1, or that many on average. Event time begins at `start_ms` and spans
    an hour, however many impressions there are. Equal arguments give equal records.
    """
    rng = random.Random(seed)
    due: list[tuple[int, int, Record]] = []  # (when, tie-breaker, retry)
    emitted = left = 0
    left, number = impressions, 0
    while left:
        record = None
        if due and due[0][0] <= emitted and len(due[0][2].impressions) <= left:
            record = heappop(due)[2]
        else:
            at = start_ms + SPAN_MS * (impressions - left) // impressions
            record = _original(rng, number, min(left, _count(rng, size)), at, users)
            number += 1
            if rng.random() < RETRIED:
                heappush(due, (emitted + 1 + int(rng.random() * RETRY_DRAWN), number, record))
        emitted += 1
        left -= len(record.impressions)
        yield record


def _count(rng: random.Random, size: int) -> int:
    """Return how many impressions a record holds: between half and one and a half times `size`."""
    return 1 if size == 1 else rng.randint(size - size // 2, size + size // 2)


def _original(rng: random.Random, number: int, count: int, at: int, users: range) -> Record:
    user = users[int(rng.random() * len(users))]
    seen = []
    for index in range(count):
        seen_at = at + index * 500 + int(rng.random() * DISORDER_MS)
        seen.append(Seen(user, int(rng.random() * ARTWORKS), seen_at))
    return Record(number, tuple(seen))
