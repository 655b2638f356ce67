"""Which ordinals of the catalogue a state uses, and for which artworks: a check, not a copy of the catalogue.

What users have seen is kept by ordinal, so another catalogue in which an ordinal means another artwork would make
artworks seen that nobody saw. For each block of ordinals there is a bitmap of the used ones, and a sum over them of
crc32(id) times (2 ordinal + 1), modulo 2^64. The sum is the same in every process and order, grows by addition, and
changes when two artworks swap their ordinals, since their factors differ.
"""

from collections.abc import Callable, Iterator, Sequence
from struct import Struct
from zlib import crc32

from pyroaring import BitMap

from streams.core.codec import CodecError
from streams.errors import CatalogueBehindError, StateLostError

KEY = b"\x00u"
CODEC_VERSION = 1
# A block is at most 137 bytes, which are written again when one of its ordinals is used for the first time.
BLOCK = 1024
_NUMBER = Struct(">I")
_HEAD = Struct(">BQ")  # codec version, sum; then the bitmap, without the zero bytes at its end
_MODULUS = 2**64
_FULL = (1 << BLOCK) - 1


class Ordinals:
    """The ordinals used by a state."""

    def __init__(self) -> None:
        self.used = BitMap()
        # By block: the bitmap, and the sum.
        self._bits: dict[int, int] = {}
        self._sums: dict[int, int] = {}
        self._changed: set[int] = set()

    def use(self, ordinal: int, artwork_id: str) -> None:
        """Mark the artwork's ordinal as used; it must not be so yet."""
        block, at = divmod(ordinal, BLOCK)
        self.used.add(ordinal)
        self._bits[block] = self._bits.get(block, 0) | 1 << at
        self._sums[block] = (self._sums.get(block, 0) + _hash(ordinal, artwork_id)) % _MODULUS
        self._changed.add(block)

    def changes(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the key and value of each block that changed since `written`."""
        for block in self._changed:
            bits = self._bits[block]
            packed = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
            yield KEY + _NUMBER.pack(block), _HEAD.pack(CODEC_VERSION, self._sums[block]) + packed

    def written(self) -> None:
        """Note that the store has the changes."""
        self._changed.clear()

    def read(self, key: bytes, value: bytes) -> None:
        """Read a block. Raises CodecError on another codec version."""
        version, sum_ = _HEAD.unpack_from(value)
        if version != CODEC_VERSION:
            raise CodecError("ordinals", version, CODEC_VERSION)
        (block,) = _NUMBER.unpack(key[len(KEY) :])
        self._bits[block] = int.from_bytes(value[_HEAD.size :], "little")
        self._sums[block] = sum_
        self.used.update(_ordinals(block, self._bits[block]))

    def check(self, id_of: Callable[[int], str | None]) -> None:
        """Compare with the catalogue.

        Raises CatalogueBehindError if it lacks a used ordinal, StateLostError if one belongs to another artwork now.
        """
        for block, bits in self._bits.items():
            found = 0
            for ordinal in _ordinals(block, bits):
                artwork_id = id_of(ordinal)
                if artwork_id is None:
                    raise behind(ordinal)
                found += _hash(ordinal, artwork_id)
            if found % _MODULUS != self._sums[block]:
                first = block * BLOCK
                raise differs(f"an ordinal between {first} and {first + BLOCK - 1} belongs to another artwork")


def _ordinals(block: int, bits: int) -> Sequence[int]:
    """Return the ordinals of a block whose bits are set."""
    first = block * BLOCK
    if bits == _FULL:
        return range(first, first + BLOCK)
    return [first + at for at, bit in enumerate(reversed(f"{bits:b}")) if bit == "1"]


def _hash(ordinal: int, artwork_id: str) -> int:
    return crc32(artwork_id.encode()) * (2 * ordinal + 1)


def behind(ordinal: int) -> CatalogueBehindError:
    """Return the error for a used ordinal that the catalogue lacks."""
    return CatalogueBehindError(
        f"the catalogue that was read from artworks.v1 has no artwork with ordinal {ordinal} yet, but users have seen "
        "it: waiting for it. If the topic has lost records or was re-created, restore it, or run `impressions rebuild "
        "--replace`."
    )


def differs(how: str) -> StateLostError:
    """Return the error for a catalogue that is not the one that the state was made with."""
    return StateLostError(
        f"the ordinals of artworks.v1 differ from those that the state was made with ({how}): restore the topic, "
        "or run `impressions rebuild --replace`."
    )
