"""Lines that came to the wrong partition: each is in its home again once, byte for byte (contract §2)."""

import hashlib
import json
from collections.abc import Iterable, Mapping

from oracle.rules import Record

COLUMNS = ("topic_id", "source_partition", "source_offset", "line", "home", "line_sha256")
KEY = 4

# Topic id, partition, offset, line.
Place = tuple[str, int, int, int]


def place_of(origin: bytes) -> Place:
    """What the header `origin` says; a place that is in no log if it can't be read."""
    try:
        said = json.loads(origin)
        return str(said["topic_id"]), int(said["partition"]), int(said["offset"]), int(said["line"])
    except (ValueError, KeyError, TypeError):
        return repr(origin), -1, -1, -1


def expected_rows(forwards: Mapping[Place, tuple[int, bytes]]) -> Iterable[tuple[object, ...]]:
    """A row for each line that must have been sent on: its place, its home, what it holds."""
    return ((*place, home, digest.hex()) for place, (home, digest) in forwards.items())


def found_row(record: Record) -> tuple[object, ...]:
    """The row of a record that the worker sent on."""
    assert record.origin is not None
    digest = hashlib.sha256(record.value or b"").hexdigest()
    return (*place_of(record.origin), record.partition, digest)
