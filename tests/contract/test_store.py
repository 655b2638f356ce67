"""One suite for every store, so that the store in memory can't drift from the one on disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.errors import StateUnreadableError
from streams.state.rocks import MIB, RocksMemory, RocksStore
from streams.state.store import Store
from tests.support.stores import KINDS, opener


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = opener(request.param, tmp_path)()
    yield opened
    opened.close()


def everything(store: Store) -> dict[bytes, bytes | None]:
    return {key: store.get(key) for key in store.keys(b"", b"\xff" * 9)}


def test_what_was_written_is_read(store: Store) -> None:
    store.write([(b"a", b"1"), (b"b", b"2")])
    assert store.get(b"a") == b"1"
    assert store.get(b"c") is None
    assert everything(store) == {b"a": b"1", b"b": b"2"}


def test_the_last_change_of_a_batch_wins(store: Store) -> None:
    store.write([(b"a", b"1"), (b"a", b"2"), (b"b", b"1"), (b"b", None), (b"c", None), (b"c", b"3")])
    assert everything(store) == {b"a": b"2", b"c": b"3"}


def test_a_none_deletes_a_key_or_finds_nothing(store: Store) -> None:
    store.write([(b"a", b"1")])
    store.write([(b"a", None), (b"b", None)])
    assert everything(store) == {}


def test_an_empty_value_is_a_value(store: Store) -> None:
    store.write([(b"a", b"")])
    assert store.get(b"a") == b""
    assert list(store.keys(b"a", b"b")) == [b"a"]


def test_an_empty_batch_changes_nothing(store: Store) -> None:
    store.write([])
    assert everything(store) == {}


def test_a_batch_may_be_a_generator(store: Store) -> None:
    store.write((b"%d" % n, b"v") for n in range(3))
    assert list(everything(store)) == [b"0", b"1", b"2"]


def test_keys_are_listed_in_byte_order_with_start_and_without_stop(store: Store) -> None:
    keys = [b"a", b"a\x00", b"a\x00\x01", b"aa", b"b", b"b\xff", b"c"]
    store.write([(key, b"v") for key in reversed(keys)])
    assert list(store.keys(b"a", b"d")) == keys
    assert list(store.keys(b"a\x00", b"b\xff")) == [b"a\x00", b"a\x00\x01", b"aa", b"b"]
    assert list(store.keys(b"b", b"b")) == []
    assert list(store.keys(b"x", b"z")) == []


def test_items_are_the_keys_with_their_values(store: Store) -> None:
    store.write([(b"a", b"1"), (b"b", b""), (b"c", b"3"), (b"d", b"4")])
    store.write([(b"c", None)])
    assert list(store.items(b"a", b"d")) == [(b"a", b"1"), (b"b", b"")]


def test_more_keys_than_are_listed_at_a_time(store: Store) -> None:
    keys = [b"%05d" % n for n in range(1_000)]
    store.write([(key, b"v") for key in keys])
    assert list(store.keys(keys[3], keys[-1])) == keys[3:-1]


def test_keys_may_be_written_while_they_are_listed(store: Store) -> None:
    store.write([(b"a", b"1"), (b"b", b"1")])
    for key in store.keys(b"a", b"z"):
        store.write([(key, None)])
    assert everything(store) == {}


def test_large_values_and_binary_keys(store: Store) -> None:
    value = bytes(range(256)) * 8192
    store.write([(b"\x00\xff", value)])
    assert store.get(b"\x00\xff") == value


def test_a_cleared_store_is_empty_and_can_be_written_again(store: Store) -> None:
    store.write([(b"%d" % n, b"v") for n in range(1000)])
    store.clear()
    assert everything(store) == {}
    store.write([(b"a", b"1")])
    assert everything(store) == {b"a": b"1"}


def test_a_store_on_disk_keeps_its_values_when_it_is_reopened(tmp_path: Path) -> None:
    memory = RocksMemory(16)
    first = RocksStore(tmp_path / "store", memory)
    first.write([(b"a", b"1"), (b"b", b"2")])
    first.close()
    again = RocksStore(tmp_path / "store", memory)
    assert everything(again) == {b"a": b"1", b"b": b"2"}
    again.close()


def test_stores_share_memory_and_nothing_else(tmp_path: Path) -> None:
    memory = RocksMemory(16)
    one, other = RocksStore(tmp_path / "0", memory), RocksStore(tmp_path / "1", memory)
    one.write([(b"a", b"1")])
    assert other.get(b"a") is None
    one.clear()
    other.write([(b"a", b"2")])
    assert (one.get(b"a"), other.get(b"a")) == (None, b"2")
    one.close()
    other.close()


def test_write_buffers_are_charged_to_the_cache_that_all_stores_share(tmp_path: Path) -> None:
    memory = RocksMemory(64)
    stores = [RocksStore(tmp_path / str(n), memory) for n in range(3)]
    before = memory.cache.get_usage()
    for store in stores:
        store.write([(b"%d" % n, bytes(1_000)) for n in range(1_000)])
    assert memory.cache.get_usage() - before >= 3_000_000
    assert memory.buffers.get_buffer_size() == 32 * MIB
    for store in stores:
        store.close()


def test_a_damaged_store_is_unreadable_and_no_ones_fault(tmp_path: Path) -> None:
    memory, path = RocksMemory(16), tmp_path / "store"
    store = RocksStore(path, memory)
    store.write([(b"%05d" % n, bytes(range(256))) for n in range(100_000)])
    store.close()
    (whole,) = sorted(path.glob("*.sst"), key=lambda file: file.stat().st_size)[-1:]
    data = bytearray(whole.read_bytes())
    data[1_000 : len(data) // 2] = bytes(len(data) // 2 - 1_000)
    whole.write_bytes(data)
    store = RocksStore(path, RocksMemory(16))
    with pytest.raises(StateUnreadableError, match="can't be used"):
        [store.get(b"%05d" % n) for n in range(0, 100_000, 1_000)]
    with pytest.raises(StateUnreadableError, match="can't be used"):
        list(store.keys(b"0", b"9"))
    store.close()
    (path / "CURRENT").write_bytes(b"nonsense")
    with pytest.raises(StateUnreadableError, match="move this folder away"):
        RocksStore(path, RocksMemory(16))


def test_the_size_of_a_store_follows_its_contents(store: Store) -> None:
    empty = store.size()
    store.write([(bytes([n]) * 8, b"v" * 1_000) for n in range(100)])
    full = store.size()
    assert full - empty >= 100_000
    store.clear()
    assert store.size() <= empty + 1_000
