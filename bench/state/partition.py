"""A partition that decides and stores as the worker does, and commits nothing."""

from pathlib import Path

from streams.core.catalogue import Catalogue
from streams.core.chunk import Decider, SourceRecord
from streams.core.judge import Rules
from streams.settings import Settings
from streams.state.partition_state import State, to_store
from streams.state.position import Position
from streams.state.rocks import RocksMemory, RocksStore


class LocalPartition:
    """Counts what a worker would write to the changelogs."""

    def __init__(self, folder: Path, catalogue: Catalogue) -> None:
        settings = Settings()
        self._catalogue = catalogue
        self._rules = Rules(settings.window_ms, settings.lateness_ms, settings.tolerance_ms)
        self._store = RocksStore(folder / "store", RocksMemory(settings.rocksdb_memory_mib))
        self._position = Position("bench", 0, settings.window_ms, 1)
        self.reset()
        self.load()

    def load(self) -> None:
        """Begin again with what the store has."""
        self.state = State(self._store)
        self.state.load(self._catalogue)
        self.state.position = self._position
        self._decider = Decider("bench", 0, 1, self._rules, self.state, self._catalogue, swept=self._position.swept)

    def reset(self) -> None:
        """Count from 0: changes, and their keys and values (bytes)."""
        self.changes = self.written = 0

    def decide(self, records: list[SourceRecord]) -> int:
        """Decide a chunk and store it; return the number of impressions."""
        last = records[-1]
        outputs = self._decider.decide(records, last.appended_at)
        self._position = self._position.at(last.offset + 1, swept=self._decider.swept)
        changes = self.state.changes(self._position)
        self._store.write(to_store(changes))
        self.state.written(self._position)
        self.changes += len(changes) - 1  # without the position, which is one a chunk
        self.written += sum(len(change.key) + len(change.value or b"") for change in changes)
        return outputs.total.received
