"""HTTP/1.1 written by hand: requests to the collector as bytes, right ones and wrong ones."""

from tests.support.collector import PATH, flush

# Whose impressions should be recorded, and whose never: theirs stand in what a request may smuggle in.
GOOD, SMUGGLED = "good", "smuggled"
LINE = flush(GOOD)
HOST, TYPE = b"Host: c", b"Content-Type: text/plain"
CHUNKED, CLOSE = b"Transfer-Encoding: chunked", b"Connection: close"


def head(start: bytes, *fields: bytes) -> bytes:
    """Return a request line (or another start) with fields, and the empty line."""
    return b"\r\n".join((start, *fields, b"", b""))


def length(body: bytes = LINE) -> bytes:
    """Return the field that says how long a body is."""
    return b"Content-Length: %d" % len(body)


def post(
    *fields: bytes,
    body: bytes = LINE,
    method: bytes = b"POST",
    target: bytes = PATH.encode(),
    version: bytes = b"HTTP/1.1",
    usual: tuple[bytes, ...] = (HOST, TYPE),
) -> bytes:
    """Return a request with a body and its length: a flush of GOOD, if nothing else is said."""
    return head(b" ".join((method, target, version)), *usual, length(body), *fields) + body


def unsized(*fields: bytes, body: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    """Return a POST with a body whose end only `fields` tell."""
    return head(b"POST %s %s" % (PATH.encode(), version), HOST, TYPE, *fields) + body


def chunk(data: bytes = LINE, after_size: bytes = b"", line_end: bytes = b"\r\n", last: bytes = b"0\r\n\r\n") -> bytes:
    """Return a body in one chunk."""
    return b"%x%b%b%b\r\n%b" % (len(data), after_size, line_end, data, last)


def chunks(body: bytes) -> bytes:
    """Return a POST with a body in chunks, as it is."""
    return unsized(CHUNKED, body=body)


def get(*fields: bytes, target: bytes = b"/healthz", method: bytes = b"GET", version: bytes = b"HTTP/1.1") -> bytes:
    """Return a request without a body."""
    return head(b" ".join((method, target, version)), HOST, *fields)


# What follows a request, as if it were its body's rest, or the next request: whoever records it was fooled.
HIDDEN = post(body=flush(SMUGGLED))
