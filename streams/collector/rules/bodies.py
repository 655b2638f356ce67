"""A request's body: which types and encodings are taken, how large it may be, and inflating it within these limits.

A limit on what came in alone lets 2 MB of gzip become 2 GB, and one on what comes out lets a slow sender send for ever:
both are counted while the pieces come, and nothing is inflated beyond the limit to find out how large it is.
"""

import zlib
from typing import ClassVar
from urllib.parse import parse_qsl

MOST_SENT_BYTES = 1024 * 1024
MOST_BYTES = 4 * 1024 * 1024
# Members of one gzip body. Streams that are compressed in pieces have a few; each costs more than its 20 bytes.
MOST_MEMBERS = 64

_STEP_BYTES = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS  # zlib's own way to say: a gzip header and trailer, checked
_TYPES = frozenset({"text/plain", "application/json"})
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii"})
_ENCODINGS = {"": False, "identity": False, "gzip": True, "x-gzip": True}
_DIGITS = 16  # of a Content-Length: none that is larger can be meant
_MOST_QUERY_FIELDS = 16


class BodyError(Exception):
    """A body that can't be taken: the answer's status, a word for programs and counters, and a sentence for people."""

    status: ClassVar[int]

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class BadBodyError(BodyError):
    """A body that is not what it says it is."""

    status = 400


class TooLargeError(BodyError):
    """A body with more bytes or pieces than one request may have. Sending half of it at once may succeed."""

    status = 413


class UnsupportedError(BodyError):
    """A body of a type or an encoding that is not taken."""

    status = 415


def is_gzip(content_type: str, content_encoding: str, query: str) -> bool:
    """Say whether a body has to be inflated, by its headers ("" if absent) and the query after the "?".

    `?encoding=gzip` is for senders that can't set a header, such as beacons; both together mean it once. Raises
    UnsupportedError for a type or an encoding that is not taken.
    """
    _check_type(content_type)
    by_header = _encoding(content_encoding)
    try:
        fields = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_QUERY_FIELDS)
    except ValueError:
        raise UnsupportedError("query", f"the query has more than {_MOST_QUERY_FIELDS} fields") from None
    named = [value for name, value in fields if name == "encoding"]
    if len(named) > 1:
        raise UnsupportedError("encoding", "the query names an encoding more than once")
    by_query = any(map(_encoding, named))
    return by_header or by_query


def _check_type(content_type: str) -> None:
    name, *parameters = content_type.split(";")
    if name.strip().lower() not in _TYPES:
        raise UnsupportedError("content_type", "Content-Type must be text/plain or application/json")
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "charset" and value.strip().strip('"').lower() not in _CHARSETS:
            raise UnsupportedError("charset", "the charset must be utf-8")


def _encoding(text: str) -> bool:
    found = _ENCODINGS.get(text.strip().lower())
    if found is None:
        raise UnsupportedError("encoding", "the only encoding that is taken is gzip, once")
    return found


def declared_bytes(content_length: str, most: int = MOST_SENT_BYTES) -> int | None:
    """Return a Content-Length in bytes, None if it is "" (absent).

    Raises TooLargeError before any of the body is read, and BadBodyError if it is not a number.
    """
    if not content_length:
        return None
    if not (content_length.isascii() and content_length.isdigit()):
        raise BadBodyError("content_length", "Content-Length is not a number")
    if len(content_length) > _DIGITS or int(content_length) > most:
        raise _too_much_sent(most)
    return int(content_length)


def _too_much_sent(most: int) -> TooLargeError:
    return TooLargeError("sent_bytes", f"the body has more than {most} bytes as sent")


class Inflater:
    """Inflates a gzip body of any number of members, piece by piece; at most `limit` bytes come out of all of it."""

    def __init__(self, limit: int = MOST_BYTES) -> None:
        self.limit, self.inflated, self.members = limit, 0, 0
        # The member that is being read; None between two of them.
        self._member: zlib._Decompress | None = None

    def feed(self, piece: bytes) -> bytes:
        """Return what comes out of the next piece.

        Raises TooLargeError as soon as more than the limit would have come out, or a member too many begins, and
        BadBodyError for what isn't gzip, after a member's end too.
        """
        out: list[bytes] = []
        while piece:
            if self._member is None:
                self._begin()
            assert self._member is not None
            try:
                data = self._member.decompress(piece, min(_STEP_BYTES, self.limit - self.inflated + 1))
            except zlib.error:
                raise BadBodyError("gzip", "the body is not valid gzip") from None
            self.inflated += len(data)
            if self.inflated > self.limit:
                raise TooLargeError("inflated_bytes", f"the body has more than {self.limit} bytes inflated")
            out.append(data)
            if self._member.eof:
                piece, self._member = self._member.unused_data, None
            else:
                # zlib may keep what it has no room for, but never at the end: the member's checksum comes after it.
                piece = self._member.unconsumed_tail
        return b"".join(out)

    def _begin(self) -> None:
        self.members += 1
        if self.members > MOST_MEMBERS:
            raise TooLargeError("gzip_members", f"the body has more than {MOST_MEMBERS} gzip members")
        self._member = zlib.decompressobj(_GZIP)

    def finish(self) -> None:
        """Raise BadBodyError if the body ends before its last member does, or has none."""
        if self._member is not None or not self.members:
            raise BadBodyError("gzip", "the gzip body ends too early")


class Body:
    """A body that is being received: counts what came, inflates it if it is gzip, and keeps what came out."""

    def __init__(self, gzip: bool, limit: int = MOST_BYTES, most_sent: int = MOST_SENT_BYTES) -> None:
        self.sent = 0
        self._most_sent = most_sent if gzip else min(most_sent, limit)
        self._inflater = Inflater(limit) if gzip else None
        self._pieces: list[bytes] = []

    @property
    def inflated(self) -> int:
        """Bytes that are kept."""
        return self._inflater.inflated if self._inflater else self.sent

    def feed(self, piece: bytes) -> int:
        """Take the next piece as it was sent, and return how many bytes more are kept. Raises a BodyError."""
        self.sent += len(piece)
        if self.sent > self._most_sent:
            raise _too_much_sent(self._most_sent)
        kept = self._inflater.feed(piece) if self._inflater else piece
        if kept:
            self._pieces.append(kept)
        return len(kept)

    def finish(self) -> bytes:
        """Return the whole body once all of it was sent. Raises BadBodyError if gzip ends too early."""
        if self._inflater:
            self._inflater.finish()
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
