"""Ids: random ones in order of time, derived ones that are the same in every run, and those of any text."""

import hashlib
import os
import re
import struct
import time
import uuid
from collections.abc import Iterator
from urllib.parse import quote_from_bytes, unquote_to_bytes

# Any constant will do, but it must never change: the ids of replayed files depend on it.
REPLAY_NAMESPACE = uuid.UUID("8f6c2a4e-5a4b-5d6f-9a38-7d1c9a0b6e21")


def now_ms() -> int:
    """Return the wall clock (ms since the epoch)."""
    return time.time_ns() // 1_000_000


# The system is asked for this many ids' random bits at once: each call costs a microsecond and lets other threads run.
_AT_ONCE = 64
_BITS = struct.Struct(">HHHI")
# The process that fetched them, and what is left of them; an iterator, which any thread may take from, and a signal
# handler that interrupts one.
_random: tuple[int, Iterator[tuple[int, ...]]] = (0, iter(()))


def new_id() -> str:
    """Return a new UUID, version 7 (RFC 9562): ms since the epoch, then 74 random bits."""
    owner, left = _random
    # A forked child has its parent's bits, too: it must not use them.
    bits = next(left, None) if owner == os.getpid() else None
    a, b, c, d = bits or _fetch()
    now = now_ms()
    values = (now >> 16, now & 0xFFFF, a & 0xFFF, b & 0x3FFF | 0x8000, c, d)
    return "%08x-%04x-7%03x-%04x-%04x%08x" % values  # noqa: UP031 - an f-string of them takes twice as long


def _fetch() -> tuple[int, ...]:
    """Fetch random bits; return those of one id, and keep the others."""
    global _random  # noqa: PLW0603 - replaced as a whole
    fetched = _BITS.iter_unpack(os.urandom(_AT_ONCE * _BITS.size))
    first = next(fetched)
    _random = (os.getpid(), fetched)
    return first


def derived_id(*parts: object) -> str:
    """Return the UUID (version 5) of the parts: the same parts give the same id in any process."""
    return str(uuid.uuid5(REPLAY_NAMESPACE, "\0".join(map(str, parts))))


MAX_ID = 128
# No encoded text contains this: there, two hexadecimal digits follow a colon.
_HASHED = ":sha256:"
_ESCAPED = re.compile(r"(?:[A-Za-z0-9._-]|:[0-9A-F]{2})+")


def to_id(text: str) -> str:
    """Return an id for any text: the same for the same text, always, and another one for any other text.

    Text of A-Z a-z 0-9 . _ - is its own id. Any other character, also the colon, becomes a colon and two hexadecimal
    digits for each byte of its UTF-8, as percent-encoding does with a percent sign: `auth0|5f7c` is `auth0:7C5f7c`,
    `ann@example.com` is `ann:40example.com`, and `from_id` returns the text. Where that is above 128 characters, the id
    is `:sha256:` and the SHA-256 of the text's UTF-8, and there is no way back.

    Nothing is normalised: `Ann@x.org` and `ann@x.org` are two ids. Raises ValueError for text that is empty or has lone
    surrogates, TypeError for what is no text.
    """
    if not isinstance(text, str):
        raise TypeError(f"an id is made of text, not of {type(text).__name__}")
    if not text:
        raise ValueError("an id is made of text, and this text is empty")
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raise ValueError("the text has lone surrogates, so it is no Unicode text") from None
    encoded = quote_from_bytes(raw, safe="").replace("~", "%7E").replace("%", ":")
    return encoded if len(encoded) <= MAX_ID else _HASHED + hashlib.sha256(raw).hexdigest()


def from_id(made: str) -> str:
    """Return the text that `to_id` made this id of. Raises ValueError for other ids, and for a SHA-256.

    In ClickHouse: `decodeURLComponent(replaceAll(user_id, ':', '%'))`.
    """
    if made.startswith(_HASHED):
        raise ValueError("this id is a SHA-256: its text can't be computed")
    text = unquote_to_bytes(made.replace(":", "%")).decode(errors="replace") if _ESCAPED.fullmatch(made) else ""
    if not text or to_id(text) != made:
        raise ValueError("to_id does not make this id")
    return text
