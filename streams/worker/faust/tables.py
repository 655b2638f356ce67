"""The two tables as Faust knows them: declared, named, partitioned, and readable; only the agent writes to them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

import faust
from faust.stores.base import Store as FaustStore
from faust.types import TP

from streams.state.partition_state import STORE_PREFIX, State, Table

Held = Callable[[], Iterable[State]]


class StateTable(faust.Table[bytes, bytes]):
    """A Faust table over the states of the partitions that the worker holds.

    Faust neither creates its changelog topic (topics.yaml declares it) nor reads it (streams.worker.faust.recovery
    does), and never writes to it: state, outputs and position are one transaction (docs/decisions/0002).
    """

    def __init__(self, app: faust.App, table: Table, partitions: int, held: Held) -> None:
        super().__init__(app, name=table.value, partitions=partitions, key_type=bytes, value_type=bytes)
        self._held = held

    async def on_start(self) -> None:
        """Start nothing: the state is opened when a partition is assigned."""

    def _new_store(self) -> FaustStore[bytes, bytes]:
        return StateView("state:", self.app, self, Table(self.name), self._held)


class StateView(FaustStore[bytes, bytes]):
    """Reads a table of every partition held, packed as in the changelog. Iterating reads the whole table."""

    def __init__(self, url: str, app: Any, table: StateTable, which: Table, held: Held) -> None:
        super().__init__(url, app, table, table_name=which.value)
        self._prefix, self._held = STORE_PREFIX[which], held

    def __getitem__(self, key: bytes) -> bytes:
        for state in self._held():
            value = state.store.get(self._prefix + key)
            if value is not None:
                return value
        raise KeyError(key)

    def __iter__(self) -> Iterator[bytes]:
        behind = bytes([self._prefix[0] + 1])
        for state in self._held():
            for key in state.store.keys(self._prefix, behind):
                yield key[len(self._prefix) :]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __setitem__(self, key: bytes, value: bytes) -> NoReturn:
        raise TypeError("a table changes with its chunk's transaction, and in no other way")

    def __delitem__(self, key: bytes) -> NoReturn:
        raise TypeError("a table changes with its chunk's transaction, and in no other way")

    def persisted_offset(self, tp: TP) -> int | None:
        """Return None: Faust restores nothing."""
        return None

    def apply_changelog_batch(self, batch: Iterable[Any], to_key: Any, to_value: Any) -> None:
        """Do nothing: Faust restores nothing."""

    def reset_state(self) -> None:
        """Do nothing: Faust keeps no state that it could drop."""

    async def backup_partition(self, *args: Any, **kwargs: Any) -> NoReturn:
        """The changelog is the backup."""
        raise TypeError("a table's backup is its changelog")

    def restore_backup(self, *args: Any, **kwargs: Any) -> NoReturn:
        """The changelog is the backup."""
        raise TypeError("a table's backup is its changelog")
