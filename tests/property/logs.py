"""Strategies for logs: few users, artworks and times, so that all of them occur together."""

from typing import NamedTuple

import orjson
from hypothesis import strategies as st

from streams.settings import Settings
from tests.support.against_oracle import artwork
from tests.support.memory_log import Event, MemoryLog

PARTITIONS = 2
WINDOW, LATENESS, TOLERANCE = 1000, 5000, 1000
SETTINGS = Settings(dedupe_window_seconds=1, lateness_seconds=5, future_tolerance_seconds=1)
T0 = 1_732_431_600_000
USERS = ("u1", "u2", "u3")
ARTWORKS = ("a", "b", "c")

# Around every boundary of a rule, and anywhere else.
_EDGES = [
    sign * edge + by for edge in (0, WINDOW, LATENESS, LATENESS + WINDOW) for by in (-1, 0, 1) for sign in (1, -1)
]
_AGES = st.sampled_from(_EDGES) | st.integers(-TOLERANCE - 10, LATENESS + 3 * WINDOW)


class Draft(NamedTuple):
    """A future record: its partition, ms after the previous record, and lines with `seen_at` as ages."""

    partition: int
    later: int
    lines: list["bytes | tuple[str, list[tuple[str, int] | None]]"]


_impressions = st.tuples(st.sampled_from(ARTWORKS), _AGES) | st.none()
_flushes = st.tuples(st.sampled_from(USERS), st.lists(_impressions, min_size=1, max_size=4))
_rubbish = st.sampled_from(
    [b"", b"{", b"[]", b"\xff", b'{"v":1}', b'{"user_id":"u1","impressions":[]}', b'{"a":1e999}']
)
_lines = st.one_of(_flushes, _flushes, _flushes, _flushes, _rubbish)
_later = st.sampled_from([0, 1, 10, WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW, LATENESS + 3 * WINDOW])
drafts = st.lists(
    st.builds(Draft, st.integers(0, PARTITIONS - 1), _later, st.lists(_lines, min_size=1, max_size=3)),
    min_size=1,
    max_size=14,
)
sizes = st.lists(st.integers(1, 6), min_size=1, max_size=5)
events = st.lists(st.sampled_from(list(Event)), min_size=1, max_size=7)

_records = st.builds(
    lambda key, pool, ordinal, retired: artwork(
        key.encode(), orjson.dumps({"pool_id": pool, "ordinal": ordinal, "retired": retired})
    ),
    st.sampled_from(ARTWORKS),
    st.sampled_from(["p", "q"]),
    st.integers(0, 3),
    st.booleans(),
)
_odd = st.builds(artwork, st.sampled_from([b"a", b"b", b"?", None]), st.sampled_from([None, b"", b"{}"]))
catalogues = st.lists(st.one_of(_records, _records, _records, _odd), max_size=8)


def log_of(records: list[Draft], settings: Settings = SETTINGS) -> MemoryLog:
    """Write the drafts to a log."""
    log = MemoryLog(settings, PARTITIONS)
    log.now = T0
    append(log, records)
    return log


def append(log: MemoryLog, records: list[Draft]) -> None:
    """Write the drafts to the end of a log."""
    now = log.now
    for partition, later, lines in records:
        now += later
        log.append(partition, now, b"\n".join(_line(line, now) for line in lines))


def _line(line: bytes | tuple[str, list[tuple[str, int] | None]], now: int) -> bytes:
    if isinstance(line, bytes):
        return line
    user_id, impressions = line
    return flush_of(user_id, now, [each and (each[0], now - each[1]) for each in impressions])


def flush_of(user_id: str, now: int, impressions: list[tuple[str, int] | None]) -> bytes:
    """Return a flush; None stands for an invalid impression."""
    rows = [
        each and {"impression_id": f"i{each[1]}", "artwork_id": each[0], "seen_at": each[1], "visible": 0.5}
        for each in impressions
    ]
    return orjson.dumps({"v": 1, "flush_id": "f", "user_id": user_id, "sent_at": now, "impressions": rows})
