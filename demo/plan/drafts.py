"""Flushes as the app would send them, made from the log's events before any fault is injected."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from demo.plan.events import Event
from demo.plan.sending import (
    LARGEST_FLUSH,
    SDK_SESSION_SHARE,
    Fields,
    Moment,
    Sender,
    delivery,
    draw,
    draw_size,
    leave_out,
    make_senders,
)

SESSION_GAP_MS = 30 * 60_000
EXTRA_POOL_EVERY = 5
SURFACES = {"gallery": 70, "detail": 20, "search": 10}


@dataclass(slots=True)
class Draft:
    """A flush that can still be spoilt.

    `at` is when it is sent (ms on the log's clock). A string in `impressions` is JSON text that is sent as it is, and
    so is `before`, in front of the flush's own fields. The SDK would not send a `spoilt` flush.
    """

    at: int
    fields: Fields
    impressions: list[Fields | str]
    before: str = ""
    spoilt: bool = False

    @property
    def user_id(self) -> str:
        """Return whose flush it is."""
        return str(self.fields["user_id"])

    def encode(self) -> bytes:
        """Return the flush as one line of JSON."""
        elements = ",".join(part if isinstance(part, str) else compact(part) for part in self.impressions)
        return f'{{{self.before}{compact(self.fields)[1:-1]},"impressions":[{elements}]}}'.encode()


def compact(value: object) -> str:
    """Return JSON without spaces, as browsers write it."""
    return json.dumps(value, separators=(",", ":"))


def home_pool(artwork_id: str) -> str:
    """Return the pool that an artwork belongs to at the start of the play."""
    return "extra" if int(artwork_id[1:]) % EXTRA_POOL_EVERY == 0 else "main"


def make_drafts(events: Iterable[Event], rng: Random) -> list[Draft]:
    """Cut each user's events into sessions, and sessions into flushes of 1 to 20 impressions, in order of sending."""
    by_user: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_user[event.user_id].append(event)
    senders = make_senders(by_user, rng)
    drafts: list[Draft] = []
    for user_id, seen in sorted(by_user.items()):
        for number, session in enumerate(_sessions(seen)):
            drafts += _session_drafts(senders[user_id], f"s-{user_id}-{number}", session, rng)
    return sorted(drafts, key=lambda draft: draft.at)


def new_id(prefix: str, rng: Random) -> str:
    """Return a random id as an app would generate it."""
    return f"{prefix}-{rng.getrandbits(64):016x}"


def _sessions(seen: list[Event]) -> Iterator[list[Event]]:
    start = 0
    for end in range(1, len(seen) + 1):
        if end == len(seen) or seen[end].seen_at - seen[end - 1].seen_at > SESSION_GAP_MS:
            yield seen[start:end]
            start = end


def _session_drafts(sender: Sender, session_id: str, seen: list[Event], rng: Random) -> Iterator[Draft]:
    by_sdk = rng.random() < SDK_SESSION_SHARE
    start = 0
    while start < len(seen):
        run = seen[start : start + draw_size(sender, rng)]
        start += len(run)
        moment = Moment(by_sdk, last=start == len(seen), full=len(run) == LARGEST_FLUSH)
        yield _draft(sender, session_id, run, moment, rng)


def _draft(sender: Sender, session_id: str, run: list[Event], moment: Moment, rng: Random) -> Draft:
    sent_at = run[-1].seen_at + rng.randint(50, 2000)
    fields: Fields = {"v": 1, "flush_id": new_id("f", rng), "user_id": run[0].user_id, "sent_at": sent_at}
    optional: Fields = {
        "session_id": session_id,
        **delivery(moment, rng),
        "tier": sender.tier,
        "experiments": {"flush": sender.flush},
    }
    surface = draw(SURFACES, rng)
    fields |= leave_out(optional, rng) | sender.says(moment.by_sdk)
    return Draft(sent_at, fields, [_impression(event, surface, rng) for event in run])


def _impression(event: Event, surface: str, rng: Random) -> Fields:
    optional: Fields = {
        "pool_id": home_pool(event.artwork_id),
        "dwell_ms": int(rng.lognormvariate(7.0, 0.8)),
        "visible": round(rng.uniform(0.3, 1.0), 2),
        "position": event.position,
        "surface": surface,
    }
    required: Fields = {
        "impression_id": new_id("i", rng),
        "artwork_id": event.artwork_id,
        "seen_at": event.seen_at,
    }
    return required | {name: value for name, value in optional.items() if rng.random() > 0.02}
