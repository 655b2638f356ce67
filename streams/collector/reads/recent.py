"""A user's events of the last hour, each once: when it was seen, and of which artwork. About 20 bytes each.

An event is known by Python's hash of its id: 64 bits, with a key of this process's own, so that nobody can look for two
ids that share one. It lives as long as the process, as everything here does.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator

from msgspec import Struct

# Estimates, rounded up: three arrays with room to grow, or an entry of a dict with its texts.
EVENT_BYTES, UNCATALOGUED_EVENT_BYTES = 24, 330
_NEVER = 2**63


class _Unplaced(Struct, frozen=True):
    """An event of an artwork that the catalogue doesn't know yet."""

    seen_at: int
    artwork_id: str


class Recent:
    """Events in the order of their hashes, so that one that comes again is found."""

    __slots__ = ("_hashes", "_oldest", "_ordinals", "_seen", "_unplaced")

    def __init__(self) -> None:
        self._hashes, self._seen, self._ordinals = array("q"), array("Q"), array("I")
        self._unplaced: dict[int, _Unplaced] = {}
        self._oldest = _NEVER

    def __len__(self) -> int:
        return len(self._hashes) + len(self._unplaced)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Yield seen_at (ms) and the artwork's ordinal of each event whose artwork the catalogue knows."""
        return zip(self._seen, self._ordinals, strict=True)

    @property
    def bytes(self) -> int:
        """What they take in memory, estimated."""
        return EVENT_BYTES * len(self._hashes) + UNCATALOGUED_EVENT_BYTES * len(self._unplaced)

    def add(self, event_id: str, seen_at: int, artwork_id: str, ordinal: int | None) -> None:
        """Take an event, which may be one that is known. No ordinal: the catalogue doesn't know the artwork."""
        key = hash(event_id)
        if key in self._unplaced:
            return
        if ordinal is not None:
            self._insert(key, seen_at, ordinal)
        elif not self._is_placed(key):
            self._unplaced[key] = _Unplaced(seen_at, artwork_id)
            self._oldest = min(self._oldest, seen_at)

    def place(self, ordinal_of: Callable[[str], int | None]) -> None:
        """Give events their artworks' ordinals, if the catalogue knows these by now."""
        for key, event in list(self._unplaced.items()):
            if (ordinal := ordinal_of(event.artwork_id)) is not None:
                del self._unplaced[key]
                self._insert(key, event.seen_at, ordinal)

    def forget_before(self, horizon_ms: int) -> None:
        """Drop what was seen before then."""
        if self._oldest >= horizon_ms:
            return
        kept = [number for number, seen_at in enumerate(self._seen) if seen_at >= horizon_ms]
        self._hashes = array("q", [self._hashes[number] for number in kept])
        self._ordinals = array("I", [self._ordinals[number] for number in kept])
        self._seen = array("Q", [self._seen[number] for number in kept])
        self._unplaced = {key: event for key, event in self._unplaced.items() if event.seen_at >= horizon_ms}
        times = [*self._seen, *(event.seen_at for event in self._unplaced.values())]
        self._oldest = min(times, default=_NEVER)

    def _is_placed(self, key: int) -> bool:
        at = bisect_left(self._hashes, key)
        return at < len(self._hashes) and self._hashes[at] == key

    def _insert(self, key: int, seen_at: int, ordinal: int) -> None:
        at = bisect_left(self._hashes, key)
        if at < len(self._hashes) and self._hashes[at] == key:
            return
        self._hashes.insert(at, key)
        self._seen.insert(at, seen_at)
        self._ordinals.insert(at, ordinal)
        self._oldest = min(self._oldest, seen_at)
