"""The parts of the oracle's catalogue that tests/unit/rules does not cover: every column, and offsets."""

import json
from typing import Any

from oracle.catalogue import Catalogue
from oracle.rules import Record


def catalogue(*records: tuple[str | None, Any]) -> Catalogue:
    """Return a catalogue with these records; a value is encoded as JSON unless it is bytes or None."""
    read = Catalogue()
    for offset, (key, value) in enumerate(records):
        text = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
        read.read(Record("t", 0, offset, 0, None if key is None else key.encode(), text))
    return read


def artwork(ordinal: int, pool_id: str = "p", **more: Any) -> dict[str, Any]:
    """Return the value of a catalogue record."""
    return {"pool_id": pool_id, "ordinal": ordinal, **more}


def test_the_latest_record_of_an_artwork_counts() -> None:
    read = catalogue(("a", artwork(1, dna=[1])), ("a", artwork(1, "q", created_at=5, dna=[0.5])))
    assert list(read.artworks.values()) == [("a", "q", 1, 5, False, (0.5,))]
    assert read.taken == [("a", 0), ("a", 1)]


def test_a_record_that_changes_or_reuses_an_ordinal_is_refused() -> None:
    read = catalogue(("a", artwork(1)), ("a", artwork(2)), ("b", artwork(1)), ("b", artwork(2)))
    assert [row[:3] for row in read.artworks.values()] == [("a", "p", 1), ("b", "p", 2)]
    assert read.taken == [("a", 0), ("b", 3)]


def test_a_tombstone_retires_an_artwork_and_keeps_its_pool_and_ordinal() -> None:
    read = catalogue(("a", artwork(1, created_at=7)), ("a", None), ("b", None), ("b", artwork(1)))
    assert list(read.artworks.values()) == [("a", "p", 1, 7, True, ())]
    assert read.taken == [("a", 0), ("a", 1)]
