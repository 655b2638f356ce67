"""The position: how far a source partition has been decided. It is part of the state and is committed with it."""

from dataclasses import asdict, dataclass, replace

import orjson

from streams.core.codec import CodecError

CODEC_VERSION = 2
# Version 1 had neither `line` nor `swept`: a record was always decided as a whole.
READABLE = (1, CODEC_VERSION)


@dataclass(frozen=True, slots=True)
class Position:
    """Everything before `line` of `next_offset` of the topic with this id has been decided and is in the state.

    `window_ms` and `partitions` are the values that the state was built with; it is unusable with others. Windows that
    start before `swept` (ms) may have been removed: what was seen before that can't be told from a duplicate any more.
    """

    topic_id: str
    next_offset: int
    window_ms: int
    partitions: int
    line: int = 0
    swept: int = 0

    def at(self, next_offset: int, line: int = 0, swept: int | None = None) -> "Position":
        """Return the same position at another place; `swept` only ever grows."""
        return replace(self, next_offset=next_offset, line=line, swept=max(self.swept, swept or 0))


def encode(position: Position) -> bytes:
    """Pack, as JSON: an operator may have to read it."""
    return orjson.dumps({"codec": CODEC_VERSION, **asdict(position)})


def decode(value: bytes) -> Position:
    """Unpack any version up to ours. Raises CodecError on a newer one."""
    fields = orjson.loads(value)
    codec = fields.pop("codec")
    if codec not in READABLE:
        raise CodecError("position", codec, CODEC_VERSION)
    return Position(**fields)
