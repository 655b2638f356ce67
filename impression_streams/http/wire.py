"""A connection's bytes, with or without TLS: all that http.client needs of a socket, and no more.

TLS runs over two buffers in memory, not in an `ssl.SSLSocket`: gevent replaces that class, and then neither the
original nor its replacement works in a thread of the operating system (see native).
"""

import io
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from impression_streams import native
from impression_streams.http.endpoint import Endpoint

T = TypeVar("T")

PIECE_BYTES = 64 * 1024


class Wire:
    """A plain connection. As a socket does, it stays open until what is being read from it is closed, too."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._files = 0
        self._is_closed = False

    def sendall(self, data: bytes) -> None:
        """Send all of it. Raises OSError."""
        self._sock.sendall(data)

    def recv(self, size: int) -> bytes:
        """Return what came, at most so much; b"" at the end. Raises OSError."""
        data: bytes = self._sock.recv(size)
        return data

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return a file to read from."""
        assert mode == "rb"
        self._files += 1
        return io.BufferedReader(_Reader(self.recv, self._file_closed))

    def close(self) -> None:
        """Close the connection, at once or with its last file."""
        self._is_closed = True
        if not self._files:
            self._sock.close()

    def _file_closed(self) -> None:
        self._files -= 1
        if self._is_closed:
            self.close()


class TlsWire(Wire):
    """A connection with TLS."""

    def __init__(self, sock: Any, context: ssl.SSLContext, host: str) -> None:
        """Greet the other side and check its certificate. Raises OSError."""
        super().__init__(sock)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._do(self._tls.do_handshake)

    def sendall(self, data: bytes) -> None:
        """Send all of it. Raises OSError."""
        view = memoryview(data)
        while view:
            view = view[self._do(partial(self._tls.write, view[:PIECE_BYTES])) :]

    def recv(self, size: int) -> bytes:
        """Return what came, at most so much; b"" at the end. Raises OSError."""
        try:
            return self._do(partial(self._tls.read, size))
        except ssl.SSLZeroReturnError:  # the other side said that this is the end
            return b""

    def _do(self, step: Callable[[], T]) -> T:
        """Take a step of TLS, and move its bytes both ways until it is done."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush()
                if data := self._sock.recv(PIECE_BYTES):
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            except ssl.SSLError:
                self._flush()  # the alert that tells the other side
                raise
            else:
                self._flush()
                return result

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._sock.sendall(self._outgoing.read())


class _Reader(io.RawIOBase):
    """Lets io read from a connection."""

    def __init__(self, recv: Callable[[int], bytes], done: Callable[[], None]) -> None:
        self._recv = recv
        self._done = done

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._done()


def default_context() -> ssl.SSLContext:
    """Return a context that checks certificates and names against the system's authorities, with TLS 1.2 or later."""
    context: ssl.SSLContext = native.original("ssl", "SSLContext")(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    return context


def cut(sock: Any) -> None:
    """End whatever waits for the other side, in any thread: it gets an OSError, or the end of the stream."""
    with suppress(OSError):  # it has ended already
        sock.shutdown(socket.SHUT_RDWR)


def connect(endpoint: Endpoint, context: ssl.SSLContext | None, seconds: float, opened: Callable[[Any], None]) -> Wire:
    """Connect to the first address that answers. Raises OSError; each wait is at most so long.

    `opened` is told each socket before it is used, so that it can be cut.
    """
    failure: OSError = OSError(f"{endpoint.host} has no address")
    for family, kind, protocol, _, address in native.original("socket", "getaddrinfo")(
        endpoint.host, endpoint.port, type=socket.SOCK_STREAM
    ):
        sock = native.original("socket", "socket")(family, kind, protocol)
        try:
            sock.settimeout(seconds)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # header and body are two pieces
            opened(sock)
            sock.connect(address)
            return Wire(sock) if context is None else TlsWire(sock, context, endpoint.host)
        except OSError as error:
            sock.close()
            if not isinstance(failure, ssl.SSLError):  # it says more than that nobody listens at another address
                failure = error
    raise failure
