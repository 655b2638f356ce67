"""A producer's ids: random ones in order of time, and derived ones that are the same in every run."""

import os
import time
import uuid

# Any constant will do, but it must never change: the ids of replayed files depend on it.
REPLAY_NAMESPACE = uuid.UUID("8f6c2a4e-5a4b-5d6f-9a38-7d1c9a0b6e21")


def now_ms() -> int:
    """Return the wall clock (ms since the epoch)."""
    return time.time_ns() // 1_000_000


def new_id() -> str:
    """Return a new UUID, version 7 (RFC 9562): ms since the epoch, then 74 random bits."""
    random = int.from_bytes(os.urandom(10), "big")
    value = (now_ms() & (1 << 48) - 1) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def derived_id(*parts: object) -> str:
    """Return the UUID (version 5) of the parts: the same parts give the same id in any process."""
    return str(uuid.uuid5(REPLAY_NAMESPACE, "\0".join(map(str, parts))))
