"""uvicorn's HTTP/1.1 protocol, strict: a request has one meaning, or it is refused (streams.collector.rules.framing).

What a client offers beside HTTP/1.1 is declined by answering as usual. The parser takes a request that offers another
protocol for one without a body, so that its body would be lost, or read as the next request.
"""

from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from streams.collector.rules import framing


class RefusedError(Exception):
    """Ends the parsing of a request that is refused."""


class StrictProtocol(HttpToolsProtocol):
    """One connection. `on_request` and `on_request_end` are called for each request that has one meaning."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._in_head = True
        # The head of a request that offers another protocol, without the offer; empty if there is none.
        self._without_offer = b""
        self._offered = False

    def on_request(self) -> None:
        """A head is over, and clear. Raises RefusedError if the request isn't taken all the same."""
        super().on_headers_complete()

    def on_request_end(self) -> None:
        """The body is over."""
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.send_400_response("")
        except httptools.HttpParserUpgrade as upgrade:
            if self._without_offer:
                again, self._without_offer, self._offered = self._without_offer, b"", True
                self.parser = _parser(self)
                StrictProtocol.data_received(self, again + data[upgrade.args[0] :])
            # Otherwise it is CONNECT, after which nobody knows what follows.

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or of the trailer, was read."""
        # A trailer's are nobody's: the application would take them for the head's, which a proxy has judged.
        if self._in_head:
            super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        """The head is over: the application begins, unless it is unclear what it would be asked."""
        version, method = self.parser.get_http_version(), self.parser.get_method()
        if framing.unclear(version, self.headers):
            raise RefusedError
        if version == "1.0":
            self.expect_100_continue = False  # it doesn't know that answer
        if self.parser.should_upgrade() and method != b"CONNECT":
            start = b"%b %b HTTP/%b" % (method, self.url, version.encode())
            fields = [b"%b: %b" % field for field in self.headers if field[0] != b"upgrade"]
            self._without_offer = b"\r\n".join((start, *fields, b"", b""))
            return
        self.on_request()
        self._in_head = False
        if self._offered or self.parser.should_upgrade():
            self.cycle.keep_alive = self._offered = False

    def on_message_complete(self) -> None:
        """The request is over."""
        if not self._without_offer:
            self.on_request_end()
            self._in_head = True


def _parser(protocol: HttpToolsProtocol) -> httptools.HttpRequestParser:
    """Return a parser as uvicorn makes them."""
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
