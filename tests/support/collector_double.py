"""A collector that is true to the contract, and fails as it is told to: what the load generator is tested against.

It reads requests with asyncio alone, stores lines in memory and judges them by rule 2. Each request's fault is chosen
by a function of its number.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from pathlib import Path
from typing import Any

import orjson

WINDOW_MS = 600_000


class Fault(Enum):
    """What becomes of a request. Only FORGET and REFUSE lose what they answer."""

    NONE = auto()
    UNAVAILABLE = auto()  # 503 with Retry-After: 0
    UNAVAILABLE_SILENT = auto()  # 503 without
    LIMITED = auto()  # 429 with Retry-After: 0
    RESET = auto()  # nothing stored, no answer
    STORED_AND_RESET = auto()  # stored, no answer
    HANGS = auto()  # nothing stored, no answer, the connection stays
    STORED_AND_HANGS = auto()
    CLOSES = auto()  # 202 and Connection: close
    DROPS_WHEN_IDLE = auto()  # 202, and closed without a word
    PIECES = auto()  # 202, chunked, byte by byte, after a 100 Continue
    GARBAGE = auto()  # stored, and answered with what is no HTTP
    FORGET = auto()  # 202, and nothing stored
    REFUSE = auto()  # 400
    MISCOUNT = auto()  # stored, and answered with one accepted too many


Choose = Callable[[int], Fault]


class CollectorDouble:
    """Serves while `serving` lasts. `lines`: what was stored, in order; `rows`: the accepted ones of it."""

    def __init__(
        self, choose: Choose = lambda number: Fault.NONE, ack_seconds: float = 0.0, hidden_reads: int | None = None
    ) -> None:
        """`hidden_reads`: so many reads of a user after it was stored do not show an impression yet, those of coverage
        and of unseen artworks each; None: there are no reads."""
        self.lines: list[bytes] = []
        # How often each user had been asked for what when a line was stored.
        self._stored_at: list[Counter[tuple[str, str]]] = []
        self._reads: Counter[tuple[str, str]] = Counter()
        self._hidden_reads = hidden_reads
        self.requests: list[bytes] = []
        self.most_in_flight: dict[str, int] = {}
        self._choose, self._ack_seconds = choose, ack_seconds
        self._writers: set[asyncio.StreamWriter] = set()
        self._in_flight: dict[str, int] = {}
        self._server: asyncio.Server | None = None
        self._forever = asyncio.Event()

    @asynccontextmanager
    async def serving(self, socket: Path) -> AsyncIterator[None]:
        """Listen on a Unix socket."""
        await self.start(socket)
        try:
            yield
        finally:
            await self.die()

    async def start(self, socket: Path) -> None:
        """Listen, also again."""
        self._server = await asyncio.start_unix_server(self._serve, str(socket), backlog=1000)

    async def die(self) -> None:
        """End as SIGKILL does: no answers, all connections gone, nobody listens. What was stored stays."""
        if self._server is not None:
            self._server.close()
        self._forever.set()
        self._forever = asyncio.Event()
        for writer in list(self._writers):
            writer.transport.abort()
        if self._server is not None:
            await self._server.wait_closed()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._writers)

    def judged(self) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """Return each stored flush with the impressions of it that rule 2 accepts."""
        accepted: dict[tuple[str, str], list[int]] = {}
        judged = []
        for line in self.lines:
            flush, taken = orjson.loads(line), []
            for each in flush["impressions"]:
                times = accepted.setdefault((flush["user_id"], each["artwork_id"]), [])
                if all(abs(each["seen_at"] - other) >= WINDOW_MS for other in times):
                    times.append(each["seen_at"])
                    taken.append(each)
            judged.append((flush, taken))
        return judged

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                    first, *headers = head.split("\r\n")
                    named = dict(header.split(": ", 1) for header in headers if header)
                    body = await reader.readexactly(int(named.get("content-length", 0)))
                    if not first.startswith("post /v1/impressions "):
                        writer.write(self._read(first.split()[1]))
                    elif not await self._post(body, writer):
                        return
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _post(self, body: bytes, writer: asyncio.StreamWriter) -> bool:
        """Treat one request as its fault says; return whether the connection lives on."""
        fault = self._choose(len(self.requests))
        self.requests.append(body)
        lines = body.split(b"\n")
        user = orjson.loads(lines[0])["user_id"]
        self._in_flight[user] = self._in_flight.get(user, 0) + 1
        self.most_in_flight[user] = max(self.most_in_flight.get(user, 0), self._in_flight[user])
        try:
            return await self._treat(fault, lines, writer)
        finally:
            self._in_flight[user] -= 1

    def _read(self, path: str) -> bytes:
        """Answer a GET of a user's coverage or unseen artworks."""
        if self._hidden_reads is None:
            return b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
        user, what = path.partition("?")[0].split("/")[3:5]
        shown = self._reads[user, what] - self._hidden_reads
        self._reads[user, what] += 1
        stored = zip(self.lines, self._stored_at, strict=True)
        flushes = [orjson.loads(line) for line, at in stored if at[user, what] <= shown]
        seen = {int(each["artwork_id"][1:]) for f in flushes if f["user_id"] == user for each in f["impressions"]}
        if what == "coverage":
            body = orjson.dumps({"pools": [{"pool_id": "main", "seen": len(seen)}] if seen else []})
        else:
            first = next(number for number in range(len(seen) + 1) if number not in seen)
            body = orjson.dumps({"items": [{"artwork_id": f"a{first:05d}", "ordinal": first}], "next": None})
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)

    async def _treat(self, fault: Fault, lines: list[bytes], writer: asyncio.StreamWriter) -> bool:
        count = sum(len(orjson.loads(line)["impressions"]) for line in lines)
        if fault not in UNSTORED:
            self.lines += lines
            self._stored_at += [self._reads.copy()] * len(lines)
        await asyncio.sleep(self._ack_seconds)
        if fault in (Fault.RESET, Fault.STORED_AND_RESET):
            return False
        if fault in (Fault.HANGS, Fault.STORED_AND_HANGS):
            await self._forever.wait()
            return False
        if fault is Fault.PIECES:
            for byte in pieces(count):
                if writer.transport.is_closing():
                    return False
                writer.write(bytes([byte]))
                await writer.drain()
            return True
        if writer.transport.is_closing():  # the whole has died meanwhile
            return False
        writer.write(answer(fault, count))
        return fault not in (Fault.CLOSES, Fault.DROPS_WHEN_IDLE)


UNSTORED = frozenset(
    {Fault.UNAVAILABLE, Fault.UNAVAILABLE_SILENT, Fault.LIMITED, Fault.RESET, Fault.HANGS, Fault.FORGET, Fault.REFUSE}
)


def answer(fault: Fault, count: int) -> bytes:
    """Return the bytes of an answer about so many impressions."""
    if fault is Fault.GARBAGE:
        return b"\x16\x03\x01 this is something else\r\n\r\n"
    count += fault is Fault.MISCOUNT
    status, more, body = "202 Accepted", "", orjson.dumps({"accepted": count, "rejected": []})
    if fault in (Fault.UNAVAILABLE, Fault.UNAVAILABLE_SILENT):
        status, body = "503 Service Unavailable", b""
        more = "Retry-After: 0\r\n" if fault is Fault.UNAVAILABLE else ""
    elif fault is Fault.LIMITED:
        status, more, body = "429 Too Many Requests", "retry-after: 0\r\n", b""
    elif fault is Fault.REFUSE:
        status, body = "400 Bad Request", b'{"title":"no"}'
    elif fault is Fault.CLOSES:
        more = "Connection: close\r\n"
    return (
        f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{more}content-length: {len(body)}\r\n\r\n".encode()
        + body
    )


def pieces(count: int) -> bytes:
    """Return a chunked answer behind an interim one."""
    body = orjson.dumps({"accepted": count, "rejected": []})
    chunks = b"".join(b"%x;x=y\r\n%b\r\n" % (len(part), part) for part in (body[:5], body[5:]))
    head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + chunks + b"0\r\n\r\n"
