"""The coverage table's values: every artwork of which a user ever had an accepted impression.

A value is a list of entries in the order of acceptance. An artwork that the catalogue knew is an entry by its ordinal;
another one is an entry by its id, and gets one by its ordinal once the catalogue knows it. In memory, ordinals are bits
of a roaring bitmap (Lemire et al., "Roaring Bitmaps", 2016).
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from struct import pack, unpack

from pyroaring import BitMap

from streams.core.digests import Digests

# An entry begins with the length of the id in bytes, which is never 0, and the id follows; or with 0 and an ordinal.
_ENTRY_BYTES = 5
_LONGEST_ID = 128
# Beyond so many ids, digests are kept in their place.
FEW = 2_000
# What an id takes in a set beside its characters, measured on CPython 3.11.
_ID_BYTES = 100


@dataclass(slots=True)
class Seen:
    """A user's seen artworks. An artwork may be known by its ordinal, by its id, or not at all."""

    ordinals: BitMap = field(default_factory=BitMap)
    # Most users have none, and an empty set takes 200 bytes.
    uncatalogued: AbstractSet[str] | Digests = frozenset()
    id_bytes: int = field(default=0, compare=False)  # the length of all of them
    # The end of the packed value, which lacks the ordinals of `fresh`: see `streams.state.segments`.
    entries: bytearray = field(default_factory=bytearray, compare=False)
    tail: int = field(default=0, compare=False)
    stored: int = field(default=0, compare=False)
    number: int = field(default=0, compare=False)
    parts: int = field(default=0, compare=False)
    # The rest is not stored. The catalogue version in which the uncatalogued were last looked up.
    checked: int = field(default=-1, compare=False)
    # The ordinals added since `pack`.
    fresh: list[int] = field(default_factory=list, compare=False)
    # The catalogue version of the user's coverage rows, -1 before the first ones; and the rows that were written: by
    # pool, seen and size, or None where there is none any more.
    covered: int = field(default=-1, compare=False)
    rows: dict[str, tuple[int, int] | None] = field(default_factory=dict, compare=False)

    def add(self, artwork_id: str, ordinal: int | None) -> None:
        """Record an accepted impression of an artwork that was not known in this way."""
        if ordinal is not None:
            self.ordinals.add(ordinal)
            self.fresh.append(ordinal)
        else:
            if not self.uncatalogued:
                self.uncatalogued = {artwork_id}
            else:
                assert isinstance(self.uncatalogued, set | Digests)
                self.uncatalogued.add(artwork_id)
            self.id_bytes += len(artwork_id)
            raw = artwork_id.encode()
            self.entries.append(len(raw))
            self.entries += raw

    def pack(self) -> None:
        """Append the fresh ordinals to the entries."""
        self.entries += _pack(self.fresh)
        self.fresh.clear()

    def forget(self, artwork_id: str) -> None:
        """Stop knowing an artwork by its id; it is known by its ordinal. The entry stays."""
        assert isinstance(self.uncatalogued, set | Digests)
        self.uncatalogued.remove(artwork_id)
        self.id_bytes -= len(artwork_id)

    def compact(self) -> None:
        """Keep many ids in less memory. They can't be listed any more, so they must have been looked up before."""
        ids = self.uncatalogued
        if len(ids) > FEW and not isinstance(ids, Digests) and self.checked >= 0 and not self.parts:
            self.uncatalogued = Digests(ids)

    @property
    def memory(self) -> int:
        """About how much memory the uncatalogued take (bytes)."""
        ids = self.uncatalogued
        return ids.memory if isinstance(ids, Digests) else self.id_bytes + len(ids) * _ID_BYTES


def encode(ordinals: Iterable[int], uncatalogued: Iterable[str]) -> bytes:
    """Pack artworks as entries."""
    ids = [bytes([len(raw)]) + raw for raw in sorted(each.encode() for each in uncatalogued)]
    return _pack(list(ordinals)) + b"".join(ids)


def _pack(ordinals: Sequence[int]) -> bytes:
    return pack("<" + "xI" * len(ordinals), *ordinals)


def decode(entries: bytes) -> Seen:
    """Unpack. An id stays even if its ordinal follows. Raises ValueError on entries that can't be."""
    count, over = divmod(len(entries), _ENTRY_BYTES)
    if not over and not entries[::_ENTRY_BYTES].strip(b"\x00"):
        # Every fifth byte is 0, so each entry is an ordinal: most users have no others.
        packed = bytearray(entries)
        del packed[::_ENTRY_BYTES]
        return Seen(BitMap(unpack(f"<{count}I", packed)))
    # One character a byte, so that ids are cut from it as they are: they are ASCII.
    text, ordinals, ids, at = entries.decode("latin-1"), BitMap(), set(), 0
    while at < len(entries):
        length = entries[at]
        if length:
            ids.add(text[at + 1 : at + 1 + length])
            at += 1 + length
        else:
            ordinals.add(int.from_bytes(entries[at + 1 : at + _ENTRY_BYTES], "little"))
            at += _ENTRY_BYTES
        if length > _LONGEST_ID:
            raise ValueError(f"an id of {length} bytes")
    if at != len(entries):
        raise ValueError("the last entry is cut off")
    return Seen(ordinals, ids, sum(map(len, ids)))
