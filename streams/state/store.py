"""Where a partition's state lives on this machine: one ordered map of bytes to bytes."""

from collections.abc import Iterable, Iterator
from typing import Protocol

Change = tuple[bytes, bytes | None]  # key, and value or None to delete


class Store(Protocol):
    """An ordered key-value map with atomic batches. The same tests run on every implementation."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value, or None when there is none."""
        ...

    def write(self, changes: Iterable[Change]) -> None:
        """Apply all changes, in order, or none of them: a process killed in between leaves no half."""
        ...

    def keys(self, start: bytes, stop: bytes) -> Iterator[bytes]:
        """Keys in order, `start` included, `stop` excluded."""
        ...

    def size(self) -> int:
        """Return about how many bytes the data takes."""
        ...

    def clear(self) -> None:
        """Remove everything."""
        ...

    def close(self) -> None:
        """Give the files back; nothing may be called afterwards."""
        ...
