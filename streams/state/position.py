"""The position: how far a source partition has been decided. It is part of the state and is committed with it."""

from dataclasses import asdict, dataclass, replace

import orjson

from streams.core.codec import CodecError

CODEC_VERSION = 1


@dataclass(frozen=True, slots=True)
class Position:
    """Everything before `next_offset` of the topic with this id has been decided and is in the state.

    `window_ms` and `partitions` are the values that the state was built with; it is unusable with others.
    """

    topic_id: str
    next_offset: int
    window_ms: int
    partitions: int

    def at(self, next_offset: int) -> "Position":
        """Return the same position with another `next_offset`."""
        return replace(self, next_offset=next_offset)


def encode(position: Position) -> bytes:
    """Pack, as JSON: an operator may have to read it."""
    return orjson.dumps({"codec": CODEC_VERSION, **asdict(position)})


def decode(value: bytes) -> Position:
    """Unpack. Raises CodecError on another codec version."""
    fields = orjson.loads(value)
    codec = fields.pop("codec")
    if codec != CODEC_VERSION:
        raise CodecError("position", codec, CODEC_VERSION)
    return Position(**fields)
