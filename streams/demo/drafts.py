"""Flushes as the app would send them, made from the log's events before any fault is put in."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from streams.demo.events import Event

LARGEST_FLUSH = 20
# Sizes fall off exponentially: most flushes are small, as a timer sends them.
MEAN_FLUSH = 6
SESSION_GAP_MS = 30 * 60_000
EXTRA_POOL_EVERY = 5

Fields = dict[str, object]


@dataclass(slots=True)
class Draft:
    """A flush that can still be spoilt.

    `at` is when it is sent (ms on the log's clock). An element of `impressions` that is a string is JSON text
    that goes out as it is, and so does `before`, in front of the flush's own fields. A `spoilt` one is no flush
    that the SDK would send.
    """

    at: int
    fields: Fields
    impressions: list[Fields | str]
    before: str = ""
    spoilt: bool = False

    @property
    def user_id(self) -> str:
        """Whose flush it is."""
        return str(self.fields["user_id"])

    def encode(self) -> bytes:
        """Return the flush as one line of JSON."""
        elements = ",".join(part if isinstance(part, str) else compact(part) for part in self.impressions)
        return f'{{{self.before}{compact(self.fields)[1:-1]},"impressions":[{elements}]}}'.encode()


def compact(value: object) -> str:
    """Return JSON without spaces, as browsers write it."""
    return json.dumps(value, separators=(",", ":"))


def home_pool(artwork_id: str) -> str:
    """Return the pool that an artwork belongs to when the play begins."""
    return "extra" if int(artwork_id[1:]) % EXTRA_POOL_EVERY == 0 else "main"


def make_drafts(events: Iterable[Event], rng: Random) -> list[Draft]:
    """Cut each user's events into flushes of 1 to 20 impressions, in order of sending."""
    by_user: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_user[event.user_id].append(event)
    drafts = []
    for user_id, seen in sorted(by_user.items()):
        start = session = 0
        while start < len(seen):
            size = min(LARGEST_FLUSH, 1 + int(rng.expovariate(1 / MEAN_FLUSH)))
            run = seen[start : start + size]
            if start and run[0].seen_at - seen[start - 1].seen_at > SESSION_GAP_MS:
                session += 1
            drafts.append(_draft(user_id, f"s-{user_id}-{session}", run, rng))
            start += size
    return sorted(drafts, key=lambda draft: draft.at)


def new_id(prefix: str, rng: Random) -> str:
    """Return an id as an app would draw it."""
    return f"{prefix}-{rng.getrandbits(64):016x}"


def _draft(user_id: str, session_id: str, run: list[Event], rng: Random) -> Draft:
    sent_at = run[-1].seen_at + rng.randint(50, 2000)
    fields: Fields = {"v": 1, "flush_id": new_id("f", rng), "user_id": user_id, "sent_at": sent_at}
    failures = rng.choice((0, 0, 0, 0, 1))
    optional: Fields = {
        "session_id": session_id,
        "transport": rng.choices(("fetch", "beacon", "keepalive", "sync"), (70, 20, 8, 2))[0],
        "reason": rng.choices(("timer", "size", "hidden", "pagehide"), (60, 15, 15, 10))[0],
        "tier": "pro" if user_id < "4" else "free",
        "experiments": {"flush": "1s" if user_id < "8" else "2s"},
        "telemetry": {"attempts": 1 + failures, "failures": failures, "queued": rng.randint(0, 3), "dropped": 0},
    }
    # Each optional field is absent now and then, so that the contract's defaults are played too.
    fields |= {name: value for name, value in optional.items() if rng.random() > 0.03}
    return Draft(sent_at, fields, [_impression(event, rng) for event in run])


def _impression(event: Event, rng: Random) -> Fields:
    optional: Fields = {
        "pool_id": home_pool(event.artwork_id),
        "dwell_ms": int(rng.lognormvariate(7.0, 0.8)),
        "visible": round(rng.uniform(0.3, 1.0), 2),
        "position": event.position,
        "surface": "gallery",
    }
    required: Fields = {
        "impression_id": new_id("i", rng),
        "artwork_id": event.artwork_id,
        "seen_at": event.seen_at,
    }
    return required | {name: value for name, value in optional.items() if rng.random() > 0.02}
