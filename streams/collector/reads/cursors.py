"""Where a list goes on: opaque texts for clients, which are read back with every field checked.

A cursor holds nothing secret and grants nothing: one that somebody made up is a place in their own list, or no cursor.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from msgspec import MsgspecError
from msgspec.json import Decoder, encode

from streams.collector.reads.timeline import Key

LONGEST = 512
_UNSEEN = Decoder(tuple[str, str, int])
_HISTORY = Decoder(tuple[str, int, str])
_LAST_ORDINAL, _LAST_MS, _LONGEST_EVENT = (1 << 32) - 1, 9_999_999_999_999, 128


class CursorError(ValueError):
    """The text is no cursor of this list."""


def unseen(pool_id: str, ordinal: int) -> str:
    """Return the cursor of an unseen list that goes on with an ordinal."""
    return _text(("u", pool_id, ordinal))


def history(key: Key) -> str:
    """Return the cursor of a history that goes on below a row."""
    return _text(("h", *key))


def read_unseen(text: str, pool_id: str) -> int:
    """Return the ordinal with which a pool's list goes on. Raises CursorError."""
    try:
        kind, pool, ordinal = _UNSEEN.decode(_json(text))
    except MsgspecError:
        raise CursorError from None
    if kind != "u" or pool != pool_id or not 0 <= ordinal <= _LAST_ORDINAL:
        raise CursorError
    return ordinal


def read_history(text: str) -> Key:
    """Return the key below which a history goes on. Raises CursorError."""
    try:
        kind, seen_at, event_id = _HISTORY.decode(_json(text))
    except MsgspecError:
        raise CursorError from None
    if kind != "h" or not 0 <= seen_at <= _LAST_MS or len(event_id) > _LONGEST_EVENT or not event_id.isascii():
        raise CursorError
    return seen_at, event_id


def _text(fields: tuple[str | int, ...]) -> str:
    return urlsafe_b64encode(encode(fields)).decode().rstrip("=")


def _json(text: str) -> bytes:
    if len(text) > LONGEST or not text.isascii():
        raise CursorError
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise CursorError from None
