"""How the app sends its flushes: over which transport, why, at which attempt, and for whom.

An open page uses fetch, because it gets a response. A page that closes, or gets hidden, sends what is left by beacon or
keepalive, and by a synchronous request as the last resort. A device replays later what it could not send. Some of the
sessions are recorded by a server, through the SDK.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import TypeVar
from zlib import crc32

from impression_streams.options import CLIENT

T = TypeVar("T")
Fields = dict[str, object]

LARGEST_FLUSH = 20
PRO_SHARE = 0.2
# The running experiment: the time after which a page flushes, and the resulting mean size of a flush.
MEAN_FLUSH = {"2s": 6, "5s": 10}
SDK_SESSION_SHARE = 0.06
# More often than not, the timer has emptied the page's queue when its session ends.
UNSENT_AT_EXIT_SHARE = 0.45
HIDDEN_MIDWAY_SHARE = 0.06
EXIT_REASONS = {"pagehide": 60, "hidden": 40}
EXIT_TRANSPORTS = {
    "pagehide": {"beacon": 77, "keepalive": 15, "sync": 8},
    "hidden": {"beacon": 75, "keepalive": 25},
}
# How many attempts fail before one arrives. Nobody learns the outcome of a beacon, or of a page's last request;
# a synchronous request may follow a beacon that was refused.
ANSWERED = {0: 989, 1: 9, 2: 2}
FAILURES = {"fetch": ANSWERED, "sdk": ANSWERED, "sync": {0: 7, 1: 3}}
# The share of the offline stretches that were too long for the device's queue.
OVERFLOW_SHARE = 0.25

# Of 100 users, how many use it; one of an older app doesn't say. The last one is in nobody's list.
CLIENTS = {"chrome-156": 46, "safari-26": 22, "firefox-153": 18, "samsung-29": 6, "": 5, "kiosk-7": 3}

DEFAULTS: Fields = {"transport": "sdk", "reason": "manual", "tier": "free"}
DEFAULT_LEFT_OUT_SHARE = 0.25
# Older versions of the app don't know some fields.
OPTIONAL = ("session_id", "experiments", "telemetry")
OPTIONAL_LEFT_OUT_SHARE = 0.03


@dataclass(frozen=True, slots=True)
class Sender:
    """The properties of a user: tier, variant of the experiment `flush`, and browser."""

    tier: str
    flush: str
    client: str

    def says(self, by_sdk: bool) -> Fields:
        """Return the flush's client, if the one that sends it says so."""
        client = CLIENT if by_sdk else self.client
        return {"client": client} if client else {}


@dataclass(frozen=True, slots=True)
class Moment:
    """The situation of a flush: sent by the SDK or a page, with the session's last impressions, from a full queue."""

    by_sdk: bool
    last: bool
    full: bool


def draw(weights: dict[T, int], rng: Random) -> T:
    """Return one of the keys at random, by weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def make_senders(users: Iterable[str], rng: Random) -> dict[str, Sender]:
    """Give a fifth of the users the tier pro, each half of the users one variant, and each user a browser."""
    everyone = sorted(users)
    pro = set(rng.sample(everyone, round(PRO_SHARE * len(everyone))))
    first, second = MEAN_FLUSH
    in_first = set(rng.sample(everyone, len(everyone) // 2))
    browsers = [client for client, share in CLIENTS.items() for _ in range(share)]
    return {
        user: Sender(
            "pro" if user in pro else "free",
            first if user in in_first else second,
            browsers[crc32(user.encode()) % len(browsers)],
        )
        for user in everyone
    }


def draw_size(sender: Sender, rng: Random) -> int:
    """Return how many impressions a flush has: sizes are distributed exponentially, most flushes are small."""
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
    # What was recorded meanwhile is queued, unless the page is gone.
    waiting = rng.randint(1, 3) if failures and transport != "sync" else 0
    return {"transport": transport, "reason": reason, "telemetry": _telemetry(1 + failures, waiting)}


def replays(count: int, rng: Random) -> list[Fields]:
    """Return transport and telemetry of flushes that waited offline and are now sent one after the other.

    The first was tried after the network was lost, and the others waited for it. Their reasons don't change.
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

    Transport, reason and tier are left out only if they have their default value, so the rest stays consistent.
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
