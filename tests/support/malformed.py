"""A corpus of malformed and unusual HTTP: each request has one meaning, or it is refused and its connection ends.

What could be smuggled in is a whole flush of a user of its own: none of them may ever reach the log.
"""

from typing import NamedTuple

from tests.support.raw_http import (
    CHUNKED,
    CLOSE,
    HIDDEN,
    HOST,
    LINE,
    TYPE,
    chunk,
    chunks,
    get,
    head,
    length,
    post,
    unsized,
)


class Case(NamedTuple):
    """What is sent, the statuses that come in this order, and the flushes of GOOD that are recorded."""

    sent: bytes
    statuses: list[int]
    recorded: int = 0


def refused(sent: bytes) -> Case:
    return Case(sent + HIDDEN, [400])


def taken(sent: bytes, recorded: int = 1) -> Case:
    """Requests of which the last one says that the connection ends."""
    return Case(sent, [202] * recorded, recorded)


FRAMING = {
    "a coding before chunked": refused(unsized(b"Transfer-Encoding: gzip, chunked", body=chunk())),
    "chunked twice in a list": refused(unsized(b"Transfer-Encoding: chunked, chunked", body=chunk())),
    "chunked in two fields": refused(unsized(CHUNKED, CHUNKED, body=chunk())),
    "chunked, then identity": refused(unsized(CHUNKED, b"Transfer-Encoding: identity", body=chunk())),
    "identity": refused(unsized(b"Transfer-Encoding: identity", body=LINE)),
    "an empty coding": refused(unsized(b"Transfer-Encoding:", body=chunk())),
    "an empty coding and a length": refused(post(b"Transfer-Encoding:")),
    "a comma before chunked": refused(unsized(b"Transfer-Encoding: ,chunked", body=chunk())),
    "a comma after chunked": refused(unsized(b"Transfer-Encoding: chunked,", body=chunk())),
    "chunked with a parameter": refused(unsized(b"Transfer-Encoding: chunked;q=1", body=chunk())),
    "chunked in quotes": refused(unsized(b'Transfer-Encoding: "chunked"', body=chunk())),
    "a vertical tab before chunked": refused(unsized(b"Transfer-Encoding:\x0bchunked", body=chunk())),
    "a vertical tab after chunked": refused(unsized(b"Transfer-Encoding: chunked\x0b", body=chunk())),
    "a byte that looks like a space": refused(unsized(b"Transfer-Encoding: chunked\xa0", body=chunk())),
    "a field that begins with a space": refused(unsized(length(), b" Transfer-Encoding: chunked", body=LINE)),
    "a first field that begins with a space": refused(
        head(b"POST /v1/impressions HTTP/1.1", b" Transfer-Encoding: chunked", HOST, TYPE) + chunk()
    ),
    "a field that begins with NUL": refused(unsized(b"\0Transfer-Encoding: chunked", body=chunk())),
    "chunks in HTTP/1.0": refused(unsized(CHUNKED, body=chunk(), version=b"HTTP/1.0")),
    "chunks in HTTP/1.0 that stays": refused(
        unsized(CHUNKED, b"Connection: keep-alive", body=chunk(), version=b"HTTP/1.0")
    ),
    "two lengths in fields": refused(post(b"Content-Length: 3")),
    "a space within a length": refused(unsized(b"Content-Length: 1 0", body=LINE)),
    "no length in its field": refused(unsized(b"Content-Length:", body=LINE)),
    "a space before a length's colon": refused(unsized(b"Content-Length : %d" % len(LINE), body=LINE)),
    "a length with a point": refused(unsized(b"Content-Length: %d.0" % len(LINE), body=LINE)),
    "a length with an underscore": refused(unsized(b"Content-Length: 1_0", body=LINE)),
    "a length with an exponent": refused(unsized(b"Content-Length: 1e2", body=LINE)),
    "a length and a comma": refused(unsized(length() + b",", body=LINE)),
    "a length in other digits": refused(unsized("Content-Length: \u0663".encode(), body=LINE)),
    "a length after a vertical tab": refused(unsized(b"Content-Length:\x0b%d" % len(LINE), body=LINE)),
    "a length on a folded line": refused(unsized(b"Content-Length:\r\n %d" % len(LINE), body=LINE)),
    "a folded field": refused(post(b"X: a\r\n b")),
    "a field folded by a tab": refused(post(b"X: a\r\n\tb")),
    "an empty field, folded": refused(post(b"X:\r\n b")),
    "a folded host": refused(post(usual=(b"Host: c\r\n d", TYPE))),
    "a bare line feed within a field": refused(post(b"X: a\nTransfer-Encoding: chunked")),
    "a bare line feed after the request line": refused(
        b"POST /v1/impressions HTTP/1.1\n" + head(HOST, TYPE, length()) + LINE
    ),
    "a bare line feed at the head's end": refused(post(body=b"")[:-2] + b"\n"),
    "only bare line feeds": refused(post().replace(b"\r\n", b"\n")),
    "a carriage return before a line's end": refused(post(b"X: a\r")),
    "a field without a colon": refused(post(b"X")),
    "a field without a name": refused(post(b": x")),
    "a space in a field's name": refused(post(b"X y: z")),
    "a name that is no token": refused(post(b"X(): z")),
    "a name beyond ASCII": refused(post(b"X\xe9: z")),
    "a control byte in a field": refused(post(b"X: a\x01")),
}

CHUNKS = {
    "a size that begins with a space": refused(chunks(b" " + chunk())),
    "a size with 0x": refused(chunks(b"0x" + chunk())),
    "a size with a plus": refused(chunks(b"+" + chunk())),
    "a negative size": refused(chunks(b"-1\r\n")),
    "a size that is no number": refused(chunks(b"g\r\n")),
    "no size": refused(chunks(b"\r\n" + LINE)),
    "an extension without a size": refused(chunks(b";a\r\n" + LINE)),
    "a size of 64 bits and one": refused(chunks(b"1" + b"0" * 16 + b"\r\n" + LINE)),
    "a size that ends with a bare line feed": refused(chunks(chunk(line_end=b"\n"))),
    "a bare line feed in an extension": refused(chunks(chunk(after_size=b";a\nb"))),
    "a bare carriage return in an extension": refused(chunks(chunk(after_size=b";a\rb"))),
    "a control byte in an extension": refused(chunks(chunk(after_size=b";a=\x01"))),
    "fewer bytes than its size": refused(chunks(b"%x\r\n" % (len(LINE) + 1) + LINE + b"\r\n0\r\n\r\n")),
    "more bytes than its size": refused(chunks(b"%x\r\n" % (len(LINE) - 1) + LINE + b"\r\n0\r\n\r\n")),
    "data that ends with a bare line feed": refused(chunks(b"%x\r\n" % len(LINE) + LINE + b"\n0\r\n\r\n")),
    "a last chunk with bare line feeds": refused(chunks(chunk(last=b"0\n\n"))),
    "a trailer with a bare line feed": refused(chunks(chunk(last=b"0\r\nX: y\n\r\n"))),
    "a trailer with a space in its name": refused(chunks(chunk(last=b"0\r\nX y: z\r\n\r\n"))),
    "a trailer with a length": refused(chunks(chunk(last=b"0\r\nContent-Length: 5\r\n\r\n"))),
    "a trailer with a coding": refused(chunks(chunk(last=b"0\r\nTransfer-Encoding: chunked\r\n\r\n"))),
}

HEADS = {
    "no host": refused(post(usual=(TYPE,))),
    "two hosts": refused(post(b"Host: d")),
    "the same host twice": refused(post(HOST)),
    "a host with a space": refused(post(usual=(b"Host: a b", TYPE))),
    "a host with a path": refused(post(usual=(b"Host: a/b", TYPE))),
    "a host with a user": refused(post(usual=(b"Host: u@a", TYPE))),
    "a host with a wrong port": refused(post(usual=(b"Host: a:x", TYPE))),
    "a list of hosts": refused(post(usual=(b"Host: a, b", TYPE))),
    "HTTP/0.9": refused(b"GET /healthz\r\n\r\n"),
    "HTTP/0.9 that posts": refused(head(b"POST /v1/impressions", HOST, TYPE)),
    "HTTP/0.9 by name": refused(get(version=b"HTTP/0.9")),
    "HTTP/1.2": refused(get(version=b"HTTP/1.2")),
    "HTTP/2.0": refused(get(version=b"HTTP/2.0")),
    "HTTP/1.10": refused(get(version=b"HTTP/1.10")),
    "HTTP/1": refused(get(version=b"HTTP/1")),
    "a version in lower case": refused(get(version=b"http/1.1")),
    "a method in lower case": refused(get(method=b"get")),
    "a space before the method": refused(b" " + get()),
    "a space after the version": refused(get(version=b"HTTP/1.1 ")),
    "tabs in the request line": refused(head(b"GET\t/healthz\tHTTP/1.1", HOST)),
    "no target": refused(head(b"GET HTTP/1.1", HOST)),
    "a space in the target": refused(get(target=b"/heal thz")),
    "a NUL in the target": refused(get(target=b"/heal\0thz")),
    "a carriage return in the target": refused(get(target=b"/heal\rthz")),
    "a target beyond ASCII": refused(get(target=b"/\xc3\xa9")),
    "an authority as target": refused(get(target=b"c:80", method=b"CONNECT")),
    "an authority as the target of GET": refused(get(target=b"c:80")),
    "no path but a query": refused(get(target=b"?x")),
    "an address without a path": refused(get(target=b"http://c")),
    "an address without a host": refused(get(target=b"http:///healthz")),
    "a TLS client": refused(bytes.fromhex("16030100c8010000c40303") + bytes(189)),
    "HTTP/2 at once": refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
}

ANSWERED = {
    "a length with zeros before it": taken(unsized(b"Content-Length: 000%d" % len(LINE), CLOSE, body=LINE)),
    "spaces around a length": taken(unsized(b"Content-Length: \t%d \t" % len(LINE), CLOSE, body=LINE)),
    "a coding in capitals": taken(unsized(b"TRANSFER-ENCODING: \tCHUNKED", CLOSE, body=chunk())),
    "a field that only resembles a coding": taken(post(b"Transfer_Encoding: chunked", CLOSE)),
    "no length and no body": Case(unsized(CLOSE, body=b""), [400]),
    "extensions": taken(unsized(CHUNKED, CLOSE, body=chunk(after_size=b';a;b=c;d="e;f"'))),
    "an extension of the last chunk": taken(unsized(CHUNKED, CLOSE, body=chunk(last=b"0;a=b\r\n\r\n"))),
    "a size with zeros": taken(unsized(CHUNKED, CLOSE, body=b"0000000000" + chunk())),
    "a trailer": taken(unsized(CHUNKED, CLOSE, body=chunk(last=b"0\r\nX: y\r\n\r\n"))),
    "a trailer that would be an encoding": taken(
        unsized(CHUNKED, CLOSE, body=chunk(last=b"0\r\nContent-Encoding: gzip\r\n\r\n"))
    ),
    "a trailer that would be another origin": taken(
        unsized(CHUNKED, CLOSE, body=chunk(last=b"0\r\nOrigin: https://evil.example\r\n\r\n"))
    ),
    "a trailer that would be another type": taken(
        unsized(CHUNKED, CLOSE, body=chunk(last=b"0\r\nContent-Type: image/png\r\n\r\n"))
    ),
    "two at once": taken(post() + post(CLOSE), 2),
    "empty lines before and between": taken(b"\r\n\r\n" + post() + b"\r\n" + post(CLOSE), 2),
    "a bad one after it": Case(post() + b"rubbish\r\n\r\n" + HIDDEN, [202, 400], 1),
    "a bad one after two": Case(post() * 2 + post(b"Content-Length: 3") + HIDDEN, [202, 202, 400], 2),
    "a bad body after it": Case(post() + chunks(b"g\r\n") + HIDDEN, [202, 400], 1),
    "a bad target after it": Case(post() + get(target=b"http://c") + HIDDEN, [202, 400], 1),
    "what follows the end": Case(post(CLOSE) + HIDDEN, [202], 1),
    "what follows an end in a list": Case(post(b"Connection: keep-alive, close") + HIDDEN, [202], 1),
    "what follows an end in a second field": Case(post(b"Connection: keep-alive", CLOSE) + HIDDEN, [202], 1),
    "HTTP/1.0": Case(post(version=b"HTTP/1.0") + HIDDEN, [202], 1),
    "HTTP/1.0 that would stay": Case(post(b"Connection: keep-alive", version=b"HTTP/1.0") + HIDDEN, [202], 1),
    "HTTP/1.0 without a host": taken(post(version=b"HTTP/1.0", usual=(TYPE,))),
    "HTTP/1.0 that expects a 100": taken(post(b"Expect: 100-continue", version=b"HTTP/1.0")),
    "an empty host": taken(post(CLOSE, usual=(b"Host:", TYPE))),
    "a host of IPv6": taken(post(CLOSE, usual=(b"Host: [::1]:8080", TYPE))),
    "a whole address": taken(post(CLOSE, target=b"http://c/v1/impressions")),
    "another's whole address": taken(post(CLOSE, target=b"http://other.example/v1/impressions")),
    "an escaped letter": taken(post(CLOSE, target=b"/v1/%69mpressions")),
    "an escaped slash": Case(post(CLOSE, target=b"/v1%2fimpressions"), [404]),
    "an escaped slash in a name": Case(get(CLOSE, target=b"/v1/users/a%2Fb/coverage"), [404]),
    "an escaped NUL": Case(post(CLOSE, target=b"/v1/impressions%00"), [404]),
    "an escaped line": Case(post(CLOSE, target=b"/v1/impressions%0d%0aX:%20y"), [404]),
    "a lone per cent sign": Case(post(CLOSE, target=b"/v1/impressions%"), [404]),
    "an escape that is none": Case(post(CLOSE, target=b"/v1/impressions%zz"), [404]),
    "escapes that are no UTF-8": Case(get(CLOSE, target=b"/%ff%c0%af"), [404]),
    "a slash at the end": Case(post(CLOSE, target=b"/v1/impressions/"), [404]),
    "two slashes": Case(post(CLOSE, target=b"//v1/impressions"), [404]),
    "dots": Case(post(CLOSE, target=b"/x/../v1/impressions"), [404]),
    "a star": Case(get(CLOSE, target=b"*", method=b"OPTIONS"), [404]),
    "a star that posts": Case(post(CLOSE, target=b"*"), [404]),
    "HEAD": Case(get(CLOSE, target=b"/v1/impressions", method=b"HEAD"), [405]),
    "GET": Case(get(CLOSE, target=b"/v1/impressions"), [405]),
    "PUT": Case(post(CLOSE, method=b"PUT"), [405]),
    "PATCH": Case(post(CLOSE, method=b"PATCH"), [405]),
    "DELETE": Case(get(CLOSE, target=b"/v1/impressions", method=b"DELETE"), [405]),
    "TRACE": Case(get(CLOSE, target=b"/v1/impressions", method=b"TRACE"), [405]),
    "CONNECT": Case(get(target=b"/v1/impressions", method=b"CONNECT") + HIDDEN, [405]),
    "the same type twice": Case(post(TYPE, CLOSE), [415]),
    "two types": Case(post(b"Content-Type: application/json", CLOSE), [415]),
    "no type": Case(post(CLOSE, usual=(HOST,)), [415]),
    "two encodings": Case(post(b"Content-Encoding: gzip", b"Content-Encoding: identity", CLOSE), [415]),
    "two origins": Case(post(b"Origin: https://a.example", b"Origin: https://b.example", CLOSE), [403]),
    "bytes beyond ASCII in a field": taken(post(b"X: \xe9\xff", CLOSE)),
    "bytes beyond ASCII in a token": taken(post(b"Authorization: Bearer \xe9\xff", CLOSE)),
    "very many fields": taken(post(*[b"x:"] * 5_000, CLOSE)),
    "too many fields": Case(post(*[b"x:y"] * 8_000) + HIDDEN, [431]),
    "HTTP/2 by upgrade": Case(
        post(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk") + HIDDEN, [202], 1
    ),
    "HTTP/2 by upgrade, in chunks": Case(
        unsized(CHUNKED, b"Connection: Upgrade", b"Upgrade: h2c", body=chunk()) + HIDDEN, [202], 1
    ),
    "a WebSocket": Case(
        get(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", target=b"/v1/impressions")
        + HIDDEN,
        [405],
    ),
    "a body that GET doesn't need": Case(get(CLOSE, length(HIDDEN)) + HIDDEN, [200]),
    "a body of HEAD": Case(get(length(HIDDEN), method=b"HEAD") + HIDDEN + get(CLOSE), [200, 200]),
    "an expected 100 and a refused head": Case(
        post(b"Expect: 100-continue", CLOSE, usual=(HOST, b"Content-Type: image/png")), [415]
    ),
    "an expected 100 and a wrong head": Case(post(b"Expect: 100-continue", b"Host: d") + HIDDEN, [400]),
    "an expectation that nobody knows": taken(post(b"Expect: 200-ok", CLOSE)),
}

ALL = {
    f"{group}: {name}": case
    for group, cases in (("framing", FRAMING), ("chunks", CHUNKS), ("head", HEADS), ("answered", ANSWERED))
    for name, case in cases.items()
}
