"""`HttpImpressionProducer` and `AsyncHttpImpressionProducer`: for backends that don't speak Kafka."""

import logging
import ssl
from collections.abc import Callable, Mapping
from functools import partial

from impression_streams import log
from impression_streams.awaited import AsyncProducer
from impression_streams.base import BaseProducer
from impression_streams.delivery import Delivery
from impression_streams.http.batch import MAX_BYTES
from impression_streams.http.connection import Target
from impression_streams.http.endpoint import Endpoint
from impression_streams.http.sender import HttpSender
from impression_streams.http.token import Token, Tokens, UserToken
from impression_streams.http.wire import default_context
from impression_streams.options import ProducerOptions
from impression_streams.outgoing import Outgoing
from impression_streams.sync import SyncProducer
from impression_streams.types import Tier

MAX_CONNECTIONS = 16
# Also what is sent at the end waits for so long.
MAX_LINGER_MS = 1000


class HttpProducer(BaseProducer):
    """Not for use by itself: see HttpImpressionProducer and AsyncHttpImpressionProducer."""

    def __init__(  # noqa: PLR0913 - each is a separate setting, by keyword
        self,
        endpoint: str = "http://127.0.0.1:8080",
        *,
        tier: Tier = "free",
        flush_interval: float | None = None,
        batch_size: int = 200,
        session_id: str | None = None,
        experiments: Mapping[str, str] | None = None,
        on_delivery: Callable[[Delivery], None] | None = None,
        token: Token | None = None,
        user_token: UserToken | None = None,
        tls: ssl.SSLContext | None = None,
        linger_ms: float = 10.0,
        connections: int = 2,
        request_timeout: float = 20.0,
        delivery_timeout: float = 120.0,
        max_buffered: int = 100_000,
        max_block: float = 60.0,
    ) -> None:
        """Set up; no connection is made yet. Raises ValueError for a wrong setting.

        A user's flush is sent once it has `batch_size` impressions (1 to 500), or `flush_interval` seconds (by tier:
        free 5, pro 1) after its first. `experiments` are arms by experiment (at most 16). `linger_ms` (0 to 1000) is
        how long flushes wait for others to share a request: a collector limits an address's requests.

        `user_token` is a function that returns a user's token, which authorises that user's flushes; `token`, or the
        function given as such, authorises all that is sent (`Authorization: Bearer`). A function is called in another
        thread, again 30 s before a token ends (`exp`) and once one is refused. `tls` replaces the usual checks of the
        certificate, for an authority of your own or a certificate of the client. Each of the `connections` (1 to 16)
        has one request in flight, which may take `request_timeout` seconds. Proxies in the environment are not used.
        """
        options = ProducerOptions(
            tier, flush_interval, batch_size, session_id, experiments, delivery_timeout, max_buffered, max_block
        )
        if not 1 <= connections <= MAX_CONNECTIONS:
            raise ValueError(f"connections: 1 to {MAX_CONNECTIONS} is expected, not {connections}")
        if not 0 <= linger_ms <= MAX_LINGER_MS:
            raise ValueError(f"linger_ms: 0 to {MAX_LINGER_MS} is expected, not {linger_ms}")
        if request_timeout <= 0:
            raise ValueError("request_timeout: more than 0 s is expected")
        where = Endpoint.parse(endpoint)
        tokens = Tokens(token, user_token)
        if tls is not None and not where.secure:
            raise ValueError(f"tls: {endpoint!r} is reached without TLS: https:// is expected")
        if (token or user_token) and not where.secure and not where.is_loopback:
            log.write(logging.WARNING, "token_in_clear", host=where.host)
        secure = (tls or default_context()) if where.secure else None
        target = Target(where, tokens, secure, min(request_timeout, delivery_timeout))
        self._open(options, partial(HttpSender, target, connections, linger_ms / 1000), on_delivery)

    def _prepare_raw(self, lines: bytes | None, key: str | None, partition: int | None) -> Outgoing:
        if not lines:
            raise ValueError("lines: a collector takes no empty body")
        if partition is not None or key is not None:
            raise ValueError("partition, key: a collector finds the partition by each line's user_id")
        if len(lines) > MAX_BYTES:
            raise ValueError(f"lines: they have {len(lines)} bytes, {MAX_BYTES} are allowed: send them as several")
        return Outgoing.of_raw(lines, None, None)


class HttpImpressionProducer(SyncProducer, HttpProducer):
    """ImpressionProducer for backends that don't speak Kafka: it sends to a collector by HTTP, with the same methods.

    >>> with HttpImpressionProducer("https://collector.example.com", user_token=token_of) as producer:
    ...     producer.record("u42", "a0042", pool_id="main", dwell_ms=1200, visible=0.8)

    Promises
    - What `record` accepts is acknowledged by the collector, which does so once the brokers have it (acks=all), or
      reported as failed to `on_delivery` and handed back by `close` (UndeliveredError) or `take_undelivered`. Nothing
      is dropped silently.
    - A flush that got no answer, or any that doesn't say that it is stored, is sent again byte for byte for
      `delivery_timeout` seconds, at the pace that the collector asks for (Retry-After); the stream drops the
      duplicates. What it refuses (400, 401, 403, 415; 413 for a flush by itself) is reported at once.
    - `Delivery.rejected` names each impression that the stream will reject, and why.
    - Memory is bounded: at most `max_buffered` impressions (0.2 to 0.7 kB each) are unacknowledged, and each connection
      takes a few MiB more. `record` refuses what the stream would reject and waits for room, as in ImpressionProducer.
    - Any thread may use it, and any signal handler or finaliser, whatever it interrupts.

    Flushes share requests, of up to 500 flushes and 1 MiB. Forks, the process's exit,
    `on_delivery` and the log are as in ImpressionProducer; there is no topic to name, and so no MissingTopicError.
    """


class AsyncHttpImpressionProducer(AsyncProducer, HttpProducer):
    """HttpImpressionProducer for asyncio: the same promises and settings, and nothing in it blocks the event loop.

    >>> async with AsyncHttpImpressionProducer("https://collector.example.com", user_token=token_of) as producer:
    ...     await producer.record("u42", "a0042", pool_id="main")  # accepted
    ...     delivery = await producer.send_flush(flush)  # stored, as the collector says

    It belongs to the loop that first awaits one of its methods, and calls `on_delivery` there, as
    AsyncImpressionProducer does. `token` and `user_token`
    are ordinary functions and are called in another thread.
    """
