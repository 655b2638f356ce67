"""Where a partition's state is kept on this machine: one ordered map from bytes to bytes."""

from collections.abc import Iterable, Iterator
from typing import Protocol

Change = tuple[bytes, bytes | None]  # key, and value or None to delete


class Store(Protocol):
    """An ordered key-value map with atomic batches. Every implementation passes the same tests.

    Methods raise StateUnreadableError if the store is damaged, and DiskFullError if it is full.
    """

    def get(self, key: bytes) -> bytes | None:
        """Return the value, or None if there is none."""
        ...

    def write(self, changes: Iterable[Change]) -> None:
        """Apply all changes in order, or none of them, even if the process is killed meanwhile."""
        ...

    def keys(self, start: bytes, stop: bytes) -> Iterator[bytes]:
        """Return the keys from `start` (included) to `stop` (excluded), in order."""
        ...

    def items(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Return the keys from `start` (included) to `stop` (excluded) with their values, in order."""
        ...

    def size(self) -> int:
        """Return the approximate size of the data in bytes."""
        ...

    def clear(self) -> None:
        """Remove everything."""
        ...

    def close(self) -> None:
        """Release the files. No method may be called afterwards."""
        ...
