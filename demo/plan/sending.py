"""How the app sends its flushes: over which transport, why, at which attempt, and for whom.

A page that lives fetches, because a fetch is answered. A page that goes away, or out of sight, sends what is left by
beacon or keepalive, and by a synchronous request as the last resort. What a device could not send it replays later. A
part of the sessions is recorded by a server, through the SDK.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import TypeVar

T = TypeVar("T")
Fields = dict[str, object]

LARGEST_FLUSH = 20
PRO_SHARE = 0.2
# The experiment that runs: after which time a page flushes, and the mean of the flushes' sizes that comes of it.
MEAN_FLUSH = {"2s": 6, "5s": 10}
SDK_SESSION_SHARE = 0.06
# Most often the timer has emptied the page's queue when its session ends.
UNSENT_AT_EXIT_SHARE = 0.45
HIDDEN_MIDWAY_SHARE = 0.06
EXIT_REASONS = {"pagehide": 60, "hidden": 40}
EXIT_TRANSPORTS = {
    "pagehide": {"beacon": 77, "keepalive": 15, "sync": 8},
    "hidden": {"beacon": 75, "keepalive": 25},
}
# How many attempts fail before the one that arrives. Nobody hears what became of a beacon, or of a page's last request;
# a synchronous one may follow a beacon that was refused.
ANSWERED = {0: 989, 1: 9, 2: 2}
FAILURES = {"fetch": ANSWERED, "sdk": ANSWERED, "sync": {0: 7, 1: 3}}
# Of the stretches offline, those that were too long for the device's queue.
OVERFLOW_SHARE = 0.25

DEFAULTS: Fields = {"transport": "sdk", "reason": "manual", "tier": "free"}
DEFAULT_LEFT_OUT_SHARE = 0.25
# Older versions of the app know nothing of some fields.
OPTIONAL = ("session_id", "experiments", "telemetry")
OPTIONAL_LEFT_OUT_SHARE = 0.03


@dataclass(frozen=True, slots=True)
class Sender:
    """What is a property of the user: tier, and variant of the experiment `flush`."""

    tier: str
    flush: str


@dataclass(frozen=True, slots=True)
class Moment:
    """What a flush is sent for: a session of the SDK or of a page, the session's last impressions, a full queue."""

    by_sdk: bool
    last: bool
    full: bool


def draw(weights: dict[T, int], rng: Random) -> T:
    """Return one of the keys, each by its weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def make_senders(users: Iterable[str], rng: Random) -> dict[str, Sender]:
    """Give a fifth of the users the tier pro, and each variant to one half of them."""
    everyone = sorted(users)
    pro = set(rng.sample(everyone, round(PRO_SHARE * len(everyone))))
    first, second = MEAN_FLUSH
    in_first = set(rng.sample(everyone, len(everyone) // 2))
    return {user: Sender("pro" if user in pro else "free", first if user in in_first else second) for user in everyone}


def draw_size(sender: Sender, rng: Random) -> int:
    """Return how many impressions a flush takes: sizes fall off exponentially, most flushes are small."""
    return min(LARGEST_FLUSH, 1 + int(rng.expovariate(1 / MEAN_FLUSH[sender.flush])))


def delivery(moment: Moment, rng: Random) -> Fields:
    """Return the flush's transport, reason and telemetry."""
    reason = _reason(moment, rng)
    if moment.by_sdk:
        transport = "sdk"
    elif reason in EXIT_TRANSPORTS:
        transport = draw(EXIT_TRANSPORTS[reason], rng)
    else:
        transport = "fetch"
    failures = draw(FAILURES.get(transport, {0: 1}), rng)
    # What came meanwhile waits behind it, unless the page is gone.
    waiting = rng.randint(1, 3) if failures and transport != "sync" else 0
    return {"transport": transport, "reason": reason, "telemetry": _telemetry(1 + failures, waiting)}


def replays(count: int, rng: Random) -> list[Fields]:
    """Return transport and telemetry of flushes that waited offline and are now sent one after the other.

    The first was tried when the network had gone, the others waited for it. Their reasons remain what they were.
    """
    dropped = rng.randint(1, 5) if rng.random() < OVERFLOW_SHARE else 0
    return [
        {
            "transport": "replay",
            "telemetry": _telemetry(1 if number else 2, count - 1 - number, 0 if number else dropped),
        }
        for number in range(count)
    ]


def leave_out(fields: Fields, rng: Random) -> Fields:
    """Return the fields without some of those that may be absent, so that the contract's defaults are played too.

    Of transport, reason and tier only what is the default anyway, so that what is left still fits together.
    """
    return {
        name: value
        for name, value in fields.items()
        if not (DEFAULTS.get(name) == value and rng.random() < DEFAULT_LEFT_OUT_SHARE)
        and not (name in OPTIONAL and rng.random() < OPTIONAL_LEFT_OUT_SHARE)
    }


def _reason(moment: Moment, rng: Random) -> str:
    if moment.full:
        return "size"
    if moment.by_sdk:
        return "manual" if moment.last else "timer"
    if moment.last and rng.random() < UNSENT_AT_EXIT_SHARE:
        return draw(EXIT_REASONS, rng)
    return "hidden" if rng.random() < HIDDEN_MIDWAY_SHARE else "timer"


def _telemetry(attempts: int, queued: int, dropped: int = 0) -> Fields:
    return {"attempts": attempts, "failures": attempts - 1, "queued": queued, "dropped": dropped}
