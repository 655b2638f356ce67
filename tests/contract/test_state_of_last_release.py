"""A state of the last release is read, and converted as it changes. The encoders here are those of the last release."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from pyroaring import BitMap

from streams.core.catalogue import Catalogue
from streams.errors import CatalogueBehindError, StateLostError, StateUnreadableError
from streams.state import partition_state as state_module
from streams.state.partition_state import Change, State, Table, to_store, window_key
from streams.state.position import Position
from streams.state.store import Store
from tests.support.flushes import catalogue_of
from tests.support.stores import KINDS, opener

W = 600_000
START = 1_732_431_600_000
HERE = Position("topic-1", 18, W, 4)
ORDINALS = {"a": 7, "b": 70_000}
CATALOGUE = catalogue_of(**{name: {"pool_id": "p", "ordinal": ordinal} for name, ordinal in ORDINALS.items()})
PART_BYTES = 40

Items = list[tuple[bytes, bytes]]


def split(key: bytes, value: bytes) -> Items:
    """Cut a large value into parts."""
    count = max(1, -(-len(value) // PART_BYTES))
    parts = [value[n * PART_BYTES : (n + 1) * PART_BYTES] for n in range(count)]
    first = (key, struct.pack(">H", count) + parts[0])
    return [first, *((key + b"\x00" + struct.pack(">H", n), parts[n]) for n in range(1, count))]


def seen_of(user_id: str, ordinals: list[int], ids: list[str]) -> Items:
    """Pack a user's seen artworks."""
    bitmap = BitMap(ordinals).serialize()
    packed = b"".join(bytes([len(each)]) + each.encode() for each in sorted(ids))
    return split(b"c" + user_id.encode(), struct.pack(">BI", 1, len(bitmap)) + bitmap + packed)


def bucket_of(user_id: str, start: int, times: dict[str, int]) -> Items:
    """Pack a window's impressions."""
    packed = b"".join(struct.pack(">BI", len(each), at) + each.encode() for each, at in times.items())
    return split(b"w" + window_key(start, user_id), b"\x01" + packed)


def pin_of(artwork_id: str, ordinal: int) -> tuple[bytes, bytes]:
    """Pack an artwork's ordinal."""
    return b"c\x00o" + artwork_id.encode(), struct.pack(">I", ordinal)


MANY = {f"artwork-{n}": n for n in range(30)}
POSITION = (
    b"c\x00p",
    b'{"codec":1,"topic_id":"topic-1","next_offset":18,"window_ms":600000,"partitions":4}',
)
OLD: Items = [
    POSITION,
    *(pin_of(name, ordinal) for name, ordinal in ORDINALS.items()),
    *seen_of("u", [7, 70_000], ["x", "y"]),
    *seen_of("much", [7], list(MANY)),
    *seen_of("nothing", [], []),
    *bucket_of("u", START, {"a": 1, "x": 2}),
    *bucket_of("much", START, MANY),
    *bucket_of("much", START + W, {"a": 3}),
]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    opened = opener(request.param, tmp_path)()
    opened.write(OLD)
    return opened


def loaded(store: Store, catalogue: Catalogue = CATALOGUE) -> State:
    state = State(store)
    state.load(catalogue)
    return state


def commit(state: State, swept: int = 0) -> list[Change]:
    """Write a chunk's changes; return them without the position."""
    position = HERE.at(19, swept=swept)
    changes = state.changes(position)
    state.store.write(to_store(changes))
    state.written(position)
    return changes[:-1]


def check(state: State) -> None:
    """Assert that the state says what the last release wrote."""
    assert state.user("u").seen.ordinals == BitMap([7, 70_000])
    assert state.user("u").seen.uncatalogued == {"x", "y"}
    assert state.user("much").seen.ordinals == BitMap([7])
    assert state.user("much").seen.uncatalogued == MANY.keys()
    assert not state.user("nothing").seen.ordinals
    assert state.user("u").bucket(START).times() == {"a": 1, "x": 2}
    assert state.user("much").bucket(START).times() == MANY
    assert state.user("much").bucket(START + W).times() == {"a": 3}
    assert set(state.ordinals.used) == {7, 70_000}


def test_it_is_read(store: Store) -> None:
    state = loaded(store)
    assert state.position == HERE
    check(state)


def test_only_pins_are_converted_unless_something_changes(store: Store) -> None:
    state = loaded(store)
    changes = commit(state)
    assert [change.key for change in changes if change.value is None] == [b"\x00oa", b"\x00ob"]
    assert [change.key[:2] for change in changes if change.value is not None] == [b"\x00u", b"\x00u"]
    check(loaded(store))
    assert commit(loaded(store)) == []


def test_what_changes_is_converted_and_its_old_parts_are_deleted(store: Store) -> None:
    state = loaded(store)
    state.user("much").seen.add("new", None)
    state.user("much").bucket(START).accept("new", 99)
    state.user("u").seen.add("z", None)
    state.user("u").bucket(START).accept("z", 98)
    commit(state)
    parts = [key for key, _ in [*seen_of("much", [7], list(MANY)), *bucket_of("much", START, MANY)] if b"\x00" in key]
    assert len(parts) > 4
    assert all(store.get(key) is None for key in parts if key[-3:-2] == b"\x00")
    for again in (state, loaded(store)):
        assert again.user("much").seen.uncatalogued == {*MANY, "new"}
        assert again.user("much").bucket(START).times() == {**MANY, "new": 99}
        assert again.user("u").seen.uncatalogued == {"x", "y", "z"}
        assert again.user("u").seen.ordinals == BitMap([7, 70_000])
        assert again.user("u").bucket(START).times() == {"a": 1, "x": 2, "z": 98}
        assert again.user("much").bucket(START + W).times() == {"a": 3}, "which did not change"
    state.user("much").seen.add("newer", None)
    state.user("much").bucket(START).accept("newer", 100)
    assert [change.table for change in commit(state)] == [Table.WINDOWS, Table.COVERAGE]
    assert loaded(store).user("much").bucket(START).times() == {**MANY, "new": 99, "newer": 100}
    assert loaded(store).user("much").seen.uncatalogued == {*MANY, "new", "newer"}


def test_it_is_swept(store: Store) -> None:
    state = loaded(store)
    commit(state, START + W)
    assert [key[9:] for key in store.keys(b"w", b"x")] == [b"much"]
    assert loaded(store).user("much").bucket(START + W).times() == {"a": 3}


def test_pins_are_deleted_bit_by_bit_and_checked_until_then(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "SWEPT_PER_CHUNK", 1)
    assert [change.key for change in commit(loaded(store)) if change.value is None] == [b"\x00oa"]
    state = loaded(store)
    check(state)
    assert [change.key for change in commit(state)] == [b"\x00ob"]
    assert commit(state) == []
    check(loaded(store))


@pytest.mark.parametrize(
    ("artworks", "refused", "sentence"),
    [
        ({"a": 7, "b": 8}, StateLostError, "b had 70000, and has 8"),
        ({"a": 70_000, "b": 7}, StateLostError, "a had 7, and has 70000"),
        ({"a": 7}, CatalogueBehindError, "no artwork with ordinal 70000 yet"),
    ],
)
def test_another_catalogue_is_refused(
    store: Store, artworks: dict[str, int], refused: type[Exception], sentence: str
) -> None:
    catalogue = catalogue_of(**{name: {"pool_id": "p", "ordinal": ordinal} for name, ordinal in artworks.items()})
    with pytest.raises(refused, match=sentence):
        loaded(store, catalogue)


DAMAGE: dict[str, tuple[bytes, bytes | None, Callable[[State], object]]] = {
    "a part is missing": (seen_of("much", [7], list(MANY))[1][0], None, lambda state: state.user("much")),
    "a value of a newer version": (b"cu", b"\x09", lambda state: state.user("u")),
    "an older value of a newer version": (b"cu", b"\x00\x01\x09\x00\x00\x00\x00", lambda state: state.user("u")),
    "a cut value": (b"cu", b"\x02\x05abc", lambda state: state.user("u")),
    "a cut older value": (b"cu", b"\x00\x01\x01\x00", lambda state: state.user("u")),
    "a cut window": (
        b"w" + window_key(START, "u"),
        b"\x02\x05\x00",
        lambda state: state.user("u").bucket(START).times(),
    ),
    "an older window of a newer version": (
        b"w" + window_key(START, "u"),
        b"\x00\x01\x02",
        lambda state: state.user("u").bucket(START).times(),
    ),
}


@pytest.mark.parametrize(("key", "value", "read"), DAMAGE.values(), ids=DAMAGE)
def test_what_can_t_be_read_is_refused(
    store: Store, key: bytes, value: bytes | None, read: Callable[[State], object]
) -> None:
    store.write([(key, value)])
    with pytest.raises(StateUnreadableError):
        read(loaded(store))
