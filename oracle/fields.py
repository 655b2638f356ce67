"""What a flush, an impression and a catalogue record may hold (contract §3, decision 0003)."""

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

# Ids are ASCII: Python's \w would accept other alphabets too.
_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_LAST_MS = 9_999_999_999_999
_INTEGERS = 2**53
_EXPERIMENTS = 16
_ORDINALS = 2**32
MOST_IMPRESSIONS = 500

TRANSPORTS = frozenset({"fetch", "beacon", "keepalive", "sync", "sdk", "replay"})
REASONS = frozenset({"timer", "size", "hidden", "pagehide", "manual"})
TIERS = frozenset({"free", "pro"})
TELEMETRY = ("attempts", "failures", "queued", "dropped")

Check = Callable[[Any], bool]


def is_id(value: Any) -> bool:
    """Return whether it is 1 to 128 of the characters that an id may have."""
    return type(value) is str and _ID.fullmatch(value) is not None


def is_integer(value: Any) -> bool:
    """Return whether it is a JSON integer (`true` is not one), 0 <= n < 2^53."""
    return type(value) is int and 0 <= value < _INTEGERS


def is_time(value: Any) -> bool:
    """Return whether it is a time in ms since the epoch."""
    return type(value) is int and 0 <= value <= _LAST_MS


def is_share(value: Any) -> bool:
    """Return whether it is a number from 0 to 1."""
    return type(value) in (int, float) and 0 <= value <= 1


def _is_finite(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _one_of(values: frozenset[str]) -> Check:
    return lambda value: type(value) is str and value in values


def _is_experiments(value: Any) -> bool:
    return (
        type(value) is dict
        and len(value) <= _EXPERIMENTS
        and all(is_id(name) and is_id(arm) for name, arm in value.items())
    )


def _is_telemetry(value: Any) -> bool:
    return type(value) is dict and all(is_integer(value[name]) for name in TELEMETRY if name in value)


def _is_impressions(value: Any) -> bool:
    return type(value) is list and 1 <= len(value) <= MOST_IMPRESSIONS


_FLUSH_REQUIRED: Mapping[str, Check] = {
    "v": lambda value: type(value) is int and value == 1,
    "flush_id": is_id,
    "user_id": is_id,
    "sent_at": is_time,
    "impressions": _is_impressions,
}
_FLUSH_OPTIONAL: Mapping[str, Check] = {
    "session_id": is_id,
    "transport": _one_of(TRANSPORTS),
    "reason": _one_of(REASONS),
    "tier": _one_of(TIERS),
    "experiments": _is_experiments,
    "client": is_id,
    "telemetry": _is_telemetry,
}
_IMPRESSION_REQUIRED: Mapping[str, Check] = {"impression_id": is_id, "artwork_id": is_id, "seen_at": is_time}
_IMPRESSION_OPTIONAL: Mapping[str, Check] = {
    "pool_id": is_id,
    "dwell_ms": is_integer,
    "visible": is_share,
    "position": is_integer,
    "surface": is_id,
}
_ARTWORK_REQUIRED: Mapping[str, Check] = {
    "pool_id": is_id,
    "ordinal": lambda value: is_integer(value) and value < _ORDINALS,
}
_ARTWORK_OPTIONAL: Mapping[str, Check] = {
    "artwork_id": is_id,
    "created_at": is_time,
    "retired": lambda value: type(value) is bool,
    "dna": lambda value: type(value) is list and all(map(_is_finite, value)),
}


def is_flush(value: Mapping[str, Any]) -> bool:
    """Return whether all fields of the flush itself are valid. The contents of its impressions are not checked."""
    return _holds(value, _FLUSH_REQUIRED, _FLUSH_OPTIONAL)


def is_impression(value: Any) -> bool:
    """Return whether it is an object with valid fields."""
    return type(value) is dict and _holds(value, _IMPRESSION_REQUIRED, _IMPRESSION_OPTIONAL)


def is_artwork(value: Mapping[str, Any]) -> bool:
    """Return whether the fields of a catalogue record are valid."""
    return _holds(value, _ARTWORK_REQUIRED, _ARTWORK_OPTIONAL)


def _holds(value: Mapping[str, Any], required: Mapping[str, Check], optional: Mapping[str, Check]) -> bool:
    return all(name in value and check(value[name]) for name, check in required.items()) and all(
        check(value[name]) for name, check in optional.items() if name in value
    )
