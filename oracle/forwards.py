"""Lines in the wrong partition: each must be forwarded to its home partition once, byte for byte (contract §2)."""

import hashlib
import json
from collections.abc import Iterable, Mapping

from oracle.rules import Record

COLUMNS = ("topic_id", "source_partition", "source_offset", "line", "home", "line_sha256")
KEY = 4

# Topic id, partition, offset, line.
Place = tuple[str, int, int, int]


def place_of(origin: bytes) -> Place:
    """Return the place in the header `origin`; if it can't be read, a place that doesn't exist in any log."""
    try:
        said = json.loads(origin)
        return str(said["topic_id"]), int(said["partition"]), int(said["offset"]), int(said["line"])
    except (ValueError, KeyError, TypeError):
        return repr(origin), -1, -1, -1


def expected_rows(forwards: Mapping[Place, tuple[int, bytes]]) -> Iterable[tuple[object, ...]]:
    """Yield a row for each line that must have been forwarded: its place, its home, the digest of its bytes."""
    return ((*place, home, digest.hex()) for place, (home, digest) in forwards.items())


def found_row(record: Record) -> tuple[object, ...]:
    """Return the row of a record that the worker forwarded."""
    assert record.origin is not None
    digest = hashlib.sha256(record.value or b"").hexdigest()
    return (*place_of(record.origin), record.partition, digest)
