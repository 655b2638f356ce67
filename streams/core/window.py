"""The window table's values: one user's accepted impressions in one tumbling event-time window.

Two impressions of an artwork in the same tumbling window are less than a window apart, so at most one of them is
accepted: a bucket has one time for each artwork, the ms from the window's start to `seen_at`.
"""

from collections.abc import Callable, Mapping
from struct import Struct

from streams.core.identity import LONGEST_ID

# What `time_of` of a bucket returns, by the window's start (ms).
Lookup = Callable[[int, str], int | None]

# By the artwork_id's length, which is in bytes, too: length, ms since the window's start, id.
_ENTRIES = [Struct(f">BI{length}s").pack for length in range(LONGEST_ID + 1)]
_ENTRY_BYTES = 5
# What an id and a time take in a dict, beside the id's characters, measured on CPython 3.11.
_TIME_BYTES = 150
# A longer bucket is unpacked when something in it is looked up, and stays so.
_LONG_BYTES = 4_096
# So is one in which an id is found so often where none begins: ids can be made to be found at every byte.
_TRIES = 8


class Bucket:
    """A window's accepted impressions in their packed form, which only ever grows.

    Packed: length, offset and id of each artwork in the order of acceptance. See `streams.state.segments` for the rest.
    """

    __slots__ = ("_times", "entries", "number", "parts", "stored", "tail")

    def __init__(self, entries: bytes = b"") -> None:
        self.entries = bytearray(entries)
        self.tail = self.stored = self.number = self.parts = 0
        self._times: dict[str, int] | None = None  # the entries, unpacked

    def accept(self, artwork_id: str, offset: int) -> None:
        """Add an accepted impression, `offset` ms into the window, of an artwork that the bucket doesn't hold."""
        size = len(artwork_id)
        self.entries += _ENTRIES[size](size, offset, artwork_id.encode())
        if self._times is not None:
            self._times[artwork_id] = offset

    def time_of(self, artwork_id: str) -> int | None:
        """Return ms from the window's start to the artwork's impression, None if the bucket doesn't hold it.

        Unpacks nothing for most artworks that are not there, and in a short bucket hardly ever anything.
        """
        raw, entries = artwork_id.encode(), self.entries
        if self._times is None and len(entries) <= _LONG_BYTES:
            # The id is found where an entry has it, and perhaps within another id, or where a time looks like it.
            at, found = 0, entries.find(raw)
            for _ in range(_TRIES):
                if found < 0:
                    return None
                start = found - _ENTRY_BYTES
                while at < start:
                    at += _ENTRY_BYTES + entries[at]
                if at == start and entries[at] == len(raw):
                    return int.from_bytes(entries[found - 4 : found], "big")
                found = entries.find(raw, found + 1)
        elif self._times is None and raw not in entries:
            return None
        return self.times().get(artwork_id)

    def times(self) -> Mapping[str, int]:
        """Return ms from the window's start by artwork. Raises ValueError or IndexError if the entries are damaged."""
        if self._times is None:
            self._times = decode(self.entries)
        return self._times

    @property
    def memory(self) -> int:
        """About how much memory the impressions take (bytes): far more if they are unpacked, too."""
        packed = len(self.entries)
        return packed if self._times is None else 2 * packed + len(self._times) * _TIME_BYTES


def start_of(seen_at: int, window_ms: int) -> int:
    """Return the start (ms) of the tumbling window that contains `seen_at`."""
    return seen_at - seen_at % window_ms


def is_duplicate(artwork_id: str, seen_at: int, window_ms: int, time_of: Lookup) -> bool:
    """Rule 2: say whether an impression of the artwork was accepted less than a window from `seen_at`.

    `time_of` looks into the user's bucket for a window's start. The neighbouring windows are looked into as well, so
    that a double fire across a boundary is found.
    """
    start = start_of(seen_at, window_ms)
    if time_of(start, artwork_id) is not None:
        return True
    before = time_of(start - window_ms, artwork_id)
    if before is not None and seen_at - (start - window_ms + before) < window_ms:
        return True
    after = time_of(start + window_ms, artwork_id)
    return after is not None and start + window_ms + after - seen_at < window_ms


def decode(entries: bytes | bytearray) -> dict[str, int]:
    """Unpack a bucket. Raises ValueError or IndexError on entries that can't be."""
    times = {}
    at = 0
    while at < len(entries):
        start = at + _ENTRY_BYTES
        at = start + entries[start - _ENTRY_BYTES]
        times[entries[start:at].decode()] = int.from_bytes(entries[start - 4 : start], "big")
    if at != len(entries):
        raise ValueError("the last entry is cut off")
    return times
