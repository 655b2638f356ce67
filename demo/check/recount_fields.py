"""The recount's own reading of section 3: which field of a flush or an impression is wrong."""

import re
from collections.abc import Callable
from typing import TypeGuard

MAX_IMPRESSIONS = 500
MAX_LINE_BYTES = 1024 * 1024
_MAX_TIME_MS = 9_999_999_999_999
_MAX_EXPERIMENTS = 16
_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")

TRANSPORTS = ("fetch", "beacon", "keepalive", "sync", "sdk", "replay")
REASONS = ("timer", "size", "hidden", "pagehide", "manual")
TIERS = ("free", "pro")
TELEMETRY = ("attempts", "failures", "queued", "dropped")

Fields = dict[str, object]
Check = Callable[[object], bool]


def is_id(value: object) -> TypeGuard[str]:
    """1 to 128 of `[A-Za-z0-9._:-]`."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def is_integer(value: object) -> TypeGuard[int]:
    """A JSON integer with neither fraction nor exponent, 0 <= n < 2^53; `true` is none."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def is_time(value: object) -> TypeGuard[int]:
    """An integer of ms since the epoch."""
    return is_integer(value) and value <= _MAX_TIME_MS


def _is_visible(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _is_experiments(value: object) -> bool:
    if not isinstance(value, dict) or len(value) > _MAX_EXPERIMENTS:
        return False
    return all(is_id(name) and is_id(variant) for name, variant in value.items())


def _is_telemetry(value: object) -> bool:
    return isinstance(value, dict) and all(is_integer(value[key]) for key in TELEMETRY if key in value)


def _one_of(names: tuple[str, ...]) -> Check:
    return lambda value: isinstance(value, str) and value in names


def _is_version(value: object) -> bool:
    return is_integer(value) and value == 1


_FLUSH_REQUIRED: dict[str, Check] = {
    "v": _is_version,
    "flush_id": is_id,
    "user_id": is_id,
    "sent_at": is_time,
    "impressions": lambda value: isinstance(value, list) and len(value) >= 1,
}
_FLUSH_OPTIONAL: dict[str, Check] = {
    "session_id": is_id,
    "transport": _one_of(TRANSPORTS),
    "reason": _one_of(REASONS),
    "tier": _one_of(TIERS),
    "experiments": _is_experiments,
    "telemetry": _is_telemetry,
}
_IMPRESSION_REQUIRED: dict[str, Check] = {"impression_id": is_id, "artwork_id": is_id, "seen_at": is_time}
_IMPRESSION_OPTIONAL: dict[str, Check] = {
    "pool_id": is_id,
    "dwell_ms": is_integer,
    "visible": _is_visible,
    "position": is_integer,
    "surface": is_id,
}


def is_oversize(line: bytes, flush: Fields) -> bool:
    """Section 3: a line above 1 MiB, or more than 500 impressions."""
    impressions = flush.get("impressions")
    too_many = isinstance(impressions, list) and len(impressions) > MAX_IMPRESSIONS
    return too_many or len(line) > MAX_LINE_BYTES


def flush_fault(flush: Fields) -> str | None:
    """Return the first wrong field of the flush itself (section 3), or None."""
    return _first_fault(flush, _FLUSH_REQUIRED, _FLUSH_OPTIONAL)


def impression_fault(impression: object) -> str | None:
    """Return the first wrong field of one element of `impressions` (section 3), or None."""
    if not isinstance(impression, dict):
        return "not an object"
    return _first_fault(impression, _IMPRESSION_REQUIRED, _IMPRESSION_OPTIONAL)


def _first_fault(fields: Fields, required: dict[str, Check], optional: dict[str, Check]) -> str | None:
    """An optional field may be absent; present and null is wrong, as null is not of its type."""
    for name, check in required.items():
        if name not in fields:
            return f"{name} is missing"
        if not check(fields[name]):
            return f"{name} is wrong"
    for name, check in optional.items():
        if name in fields and not check(fields[name]):
            return f"{name} is wrong"
    return None
