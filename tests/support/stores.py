"""Both stores, for suites that must pass on each."""

from collections.abc import Callable
from pathlib import Path

from streams.state.memory import MemoryStore
from streams.state.rocks import RocksMemory, RocksStore
from streams.state.store import Store

KINDS = ("memory", "rocksdb")

OpenStore = Callable[[], Store]


def opener(kind: str, folder: Path) -> OpenStore:
    """Return a function that opens the same store each time; an in-memory store begins empty each time."""
    if kind == "memory":
        return MemoryStore
    memory = RocksMemory(16)
    return lambda: RocksStore(folder / "store", memory)
