"""The coverage table's values: every artwork of which a user ever had an accepted impression.

Catalogued artworks are bits, at their ordinals, in a roaring bitmap (Lemire et al., "Roaring Bitmaps", 2016);
the others are kept by id until the catalogue knows them.
"""

from dataclasses import dataclass, field
from struct import Struct

from pyroaring import BitMap

from streams.core.codec import CodecError

CODEC_VERSION = 1
_HEAD = Struct(">BI")  # codec version, length of the bitmap in bytes


@dataclass(slots=True)
class Seen:
    """A user's seen artworks. An artwork may be known by its ordinal, by its id, or not at all."""

    ordinals: BitMap = field(default_factory=BitMap)
    uncatalogued: set[str] = field(default_factory=set)
    # The catalogue version in which the uncatalogued were last looked up; not stored.
    checked: int = field(default=-1, compare=False)

    def has(self, artwork_id: str, ordinal: int | None) -> bool:
        """Say whether the user has an accepted impression of the artwork."""
        return (ordinal is not None and ordinal in self.ordinals) or artwork_id in self.uncatalogued

    def add(self, artwork_id: str, ordinal: int | None) -> None:
        """Record an accepted impression of the artwork."""
        if ordinal is None:
            self.uncatalogued.add(artwork_id)
        else:
            self.ordinals.add(ordinal)


def encode(seen: Seen) -> bytes:
    """Pack: head, bitmap in roaring's portable format, then length (one byte) and id of each uncatalogued artwork."""
    bitmap = seen.ordinals.serialize()
    ids = b"".join(bytes([len(raw)]) + raw for raw in sorted(i.encode() for i in seen.uncatalogued))
    return _HEAD.pack(CODEC_VERSION, len(bitmap)) + bitmap + ids


def decode(value: bytes) -> Seen:
    """Unpack. Raises CodecError on another codec version."""
    version, length = _HEAD.unpack_from(value)
    if version != CODEC_VERSION:
        raise CodecError("coverage", version, CODEC_VERSION)
    at = _HEAD.size + length
    seen = Seen(BitMap.deserialize(value[_HEAD.size : at]))
    while at < len(value):
        end = at + 1 + value[at]
        seen.uncatalogued.add(value[at + 1 : end].decode())
        at = end
    return seen
