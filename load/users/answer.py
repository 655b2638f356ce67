"""Read HTTP/1.1 answers from the bytes of a connection."""

from dataclasses import dataclass

# A collector's answer to a flush of 500 impressions, each rejected, has less than 64 KiB; a page of the read API too.
MOST_HEADER_BYTES = 32 * 1024
MOST_BODY_BYTES = 4 * 1024 * 1024
END_OF_HEADER, END_OF_LINE = b"\r\n\r\n", b"\r\n"
WITHOUT_BODY = (204, 304)


class BadAnswerError(Exception):
    """What arrived is no HTTP answer, or too large for one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. `retry_after` in s if the server named a number of them; `keep`: the connection may be used again."""

    status: int
    retry_after: float | None
    body: bytes
    keep: bool


@dataclass(slots=True)
class _Head:
    status: int
    keep: bool
    length: int | None = None
    chunked: bool = False
    retry_after: float | None = None


class AnswerReader:
    """Takes pieces of one connection; returns an answer once it is whole. One answer at a time: nothing is pipelined.

    All methods raise BadAnswerError for what can't be an answer.
    """

    __slots__ = ("_bytes", "_head")

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._head: _Head | None = None

    @property
    def begun(self) -> bool:
        """Whether a part of an answer has arrived."""
        return bool(self._bytes) or self._head is not None

    def feed(self, piece: bytes) -> Answer | None:
        """Take bytes; return the answer that they complete."""
        self._bytes += piece
        while self._head is None:
            end = self._bytes.find(END_OF_HEADER)
            if end < 0:
                if len(self._bytes) > MOST_HEADER_BYTES:
                    raise BadAnswerError(f"a header of more than {MOST_HEADER_BYTES} bytes")
                return None
            head = _read_head(bytes(self._bytes[:end]))
            del self._bytes[: end + len(END_OF_HEADER)]
            # 100 Continue and its like come before the answer.
            self._head = None if head.status < 200 else head
        return self._body(self._head)

    def end(self) -> Answer | None:
        """Return the answer that the end of the connection completes: one that says neither length nor chunks."""
        head = self._head
        if head is None or head.length is not None or head.chunked:
            return None
        return self._answer(head, bytes(self._bytes), len(self._bytes))

    def _body(self, head: _Head) -> Answer | None:
        if len(self._bytes) > MOST_BODY_BYTES or (head.length or 0) > MOST_BODY_BYTES:
            raise BadAnswerError(f"a body of more than {MOST_BODY_BYTES} bytes")
        if head.status in WITHOUT_BODY:
            return self._answer(head, b"", 0)
        if head.chunked:
            found = _unchunked(self._bytes)
            return None if found is None else self._answer(head, *found)
        if head.length is None or len(self._bytes) < head.length:
            return None
        return self._answer(head, bytes(self._bytes[: head.length]), head.length)

    def _answer(self, head: _Head, body: bytes, used: int) -> Answer:
        del self._bytes[:used]
        self._head = None
        # More than was asked for: what follows can't be told from the next answer.
        said_when_it_ends = head.length is not None or head.chunked or head.status in WITHOUT_BODY
        return Answer(head.status, head.retry_after, body, head.keep and said_when_it_ends and not self._bytes)


def _read_head(text: bytes) -> _Head:
    first, *lines = text.split(END_OF_LINE)
    version, _, rest = first.partition(b" ")
    if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
        raise BadAnswerError("it does not begin as HTTP/1 does")
    head = _Head(int(rest[:3]), keep=version != b"HTTP/1.0")
    for line in lines:
        name, _, value = line.partition(b":")
        _take(head, name.lower(), value.strip())
    return head


def _take(head: _Head, name: bytes, value: bytes) -> None:
    match name:
        case b"content-length":
            if not value.isdigit():
                raise BadAnswerError("its length is no number")
            head.length = int(value)
        case b"transfer-encoding":
            head.chunked = value.lower() == b"chunked"
        case b"connection":
            head.keep = value.lower() != b"close"
        case b"retry-after" if value.isdigit():
            head.retry_after = float(value)


def _unchunked(data: bytearray) -> tuple[bytes, int] | None:
    """Return a chunked body and how many bytes it took; None until it is whole."""
    body, at = b"", 0
    while (end := data.find(END_OF_LINE, at)) >= 0:
        try:
            size = int(bytes(data[at:end]).split(b";")[0], 16)
        except ValueError:
            raise BadAnswerError("the size of a chunk is no number") from None
        at = end + len(END_OF_LINE)
        if len(data) < at + size + len(END_OF_LINE):
            return None
        body += data[at : at + size]
        at += size + len(END_OF_LINE)
        if size == 0:
            return body, at
    return None
