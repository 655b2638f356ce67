"""The bytes that the recorder sends, written as recorder/src writes them, with its usual fields."""

import gzip
import json
import time
from collections.abc import Sequence
from functools import cache
from random import Random

# recorder/src/send/gzip.ts: below this it isn't compressed. CompressionStream is zlib at its usual level.
LEAST_BYTES, LEVEL = 1024, 6
MOST = 500
TELEMETRY = {
    "offset_ms": 0,
    "bfcache": 0,
    "defects": 0,
    "discarded": 0,
    "attempts": 1,
    "failures": 0,
    "queued": 0,
    "dropped": 0,
}
# A body's impressions come in stops of a scroll: usually so many at once, so far apart.
STOP, BETWEEN_MS = 6, 3_000
CLIENT, POOL, SURFACE = "chrome-156", "main", "gallery"


def uuid7(now: int, rng: Random) -> str:
    """Return a UUIDv7 of a time in ms."""
    value = now << 80 | 7 << 76 | rng.getrandbits(12) << 64 | 2 << 62 | rng.getrandbits(62)
    text = f"{value:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def impression(artwork: str, seen_at: int, position: int, rng: Random) -> str:
    """Return an impression as JSON, as `observe` records it; `seen_at` in ms."""
    return dumps(
        {
            "impression_id": uuid7(seen_at, rng),
            "artwork_id": artwork,
            "seen_at": seen_at,
            "pool_id": POOL,
            "dwell_ms": 1000 + rng.randrange(40),
            "visible": rng.randrange(500, 1001) / 1000,
            "position": position,
            "surface": SURFACE,
        }
    )


def flush(user: str, session: str, sent_at: int, impressions: Sequence[str], rng: Random, *, exits: bool) -> str:
    """Return a flush; `sent_at` in ms."""
    head = {
        "v": 1,
        "flush_id": uuid7(sent_at, rng),
        "user_id": user,
        "sent_at": sent_at,
        "transport": "keepalive" if exits else "fetch",
        "reason": "pagehide" if exits else "timer",
        "telemetry": TELEMETRY,
        "session_id": session,
        "experiments": {},
        "client": CLIENT,
    }
    return f'{dumps(head)[:-1]},"impressions":[{",".join(impressions)}]}}'


def packed(text: str) -> bytes:
    """Return what a live request carries: gzip if that is worth it."""
    raw = text.encode()
    return raw if len(raw) < LEAST_BYTES else gzip.compress(raw, LEVEL, mtime=0)


@cache
def sizes(impressions: int, stop: int = STOP) -> tuple[int, int]:
    """Return the bytes of a flush of so many impressions: raw, and as a live request sends it.

    `stop`: how many are recorded at once. Their times are equal, and their ids' beginnings, so that they pack better.
    """
    text = body_of(impressions, stop, time.time_ns() // 1_000_000, Random(impressions))
    return len(text.encode()), len(packed(text))


def body_of(impressions: int, stop: int, now: int, rng: Random) -> str:
    """Return a flush of so many impressions, recorded in stops of a scroll from `now` (ms) on."""
    user, session = "u4711", uuid7(now, rng)
    each = [
        impression(f"a{rng.randrange(20_000):05d}", now + BETWEEN_MS * (n // stop), n, rng) for n in range(impressions)
    ]
    return flush(user, session, now, each, rng, exits=False)


def raw_size(impressions: int) -> int:
    """Return the bytes of a raw body: of what is around its impressions, and of each of them."""
    one, many = sizes(1)[0], sizes(MOST)[0]
    return round(one + (impressions - 1) * (many - one) / (MOST - 1))


def dumps(value: object) -> str:
    """Write JSON as JSON.stringify does."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
