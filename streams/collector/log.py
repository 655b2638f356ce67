"""The collector's way into the log: lines in, and an answer once the brokers have acknowledged all of them.

What is acknowledged is on every replica that is in sync (acks=all). A record that isn't acknowledged in time may be in
the log all the same: sending its lines again is harmless, because the worker knows every impression.

Two threads: the event loop, which packs lines (streams.collector.packing) and hands records to librdkafka, and one that
serves librdkafka's reports and wakes the loop once for however many have come.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from impression_streams.client import PROPAGATION_MS
from impression_streams.loop_bridge import LoopBridge
from streams.collector.errors import LineRefusedError, UnavailableError
from streams.collector.packing import Packer, Record
from streams.collector.topic import Topic
from streams.errors import Kind
from streams.kafka import names
from streams.kafka.client import cluster
from streams.kafka.errors import LOGIN, kafka_kind
from streams.runtime import log
from streams.settings import Settings

__all__ = ["LineRefusedError", "Log", "UnavailableError"]

logger = log.get(__name__)

# How long librdkafka tries to get a record acknowledged. Clients give up after 20 s, and must have an answer by then.
TRY_SECONDS = 10.0
# How long lines may wait altogether, for the record ahead of theirs and for their own.
WAIT_SECONDS = 15.0
# A record takes milliseconds; one that takes longer than this shows that the brokers don't acknowledge.
SLOW_SECONDS = 5.0
# For how long a failure counts, if nothing was acknowledged since: with no request, nothing else shows that it is over.
FAILED_SECONDS = 10.0
# The largest line that bodies allow (4 MiB inflated), and a record's own bytes: the broker decides what it takes.
MESSAGE_BYTES = 5 * 2**20
POLL_SECONDS = 0.5
# What brokers say of a record that they won't take however often it is sent.
FOR_GOOD = frozenset(
    {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE, KafkaError.INVALID_RECORD, KafkaError.INVALID_MSG}
)
CONFIG: dict[str, Any] = {
    "acks": "all",
    "enable.idempotence": True,
    # A record is what waited for the one before: there is nothing to wait for.
    "linger.ms": 0,
    "compression.type": "lz4",
    "message.timeout.ms": int(1000 * TRY_SECONDS),
    "request.timeout.ms": 5_000,
    "message.max.bytes": MESSAGE_BYTES,
    "topic.metadata.propagation.max.ms": PROPAGATION_MS,
    "reconnect.backoff.max.ms": 1_000,
    # Its lines on stderr repeat for each connection that fails; `why_not_ready` says it in a sentence.
    "log_level": 0,
}


class _Client:
    """librdkafka's producer, and the thread that serves its reports until `close`."""

    def __init__(self, settings: Settings, refused: Callable[[KafkaError], None]) -> None:
        self.producer = Producer({**cluster(settings), **CONFIG, "error_cb": refused})
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="producer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Report what is still on its way as failed, and end the thread, soon."""
        self._ended.set()

    def join(self, seconds: float) -> None:
        """Wait for the thread's end."""
        self._thread.join(seconds)

    def _serve(self) -> None:
        while not self._ended.is_set():
            self.producer.poll(POLL_SECONDS)
        self.producer.purge()
        self.producer.flush(POLL_SECONDS)


class Log:
    """Appends to impressions.v1. All methods belong to the event loop's thread."""

    def __init__(
        self,
        settings: Settings,
        acknowledged: Callable[[int, int, float], None] = lambda _lines, _bytes, _seconds: None,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        """`acknowledged` gets the lines and bytes of each acknowledged record, and how long that took (s); `failed` is
        called for each record that wasn't."""
        self._settings = settings
        self._observe_acknowledged, self._observe_failed = acknowledged, failed
        self._topic = Topic(settings, self._begin_anew)
        self._packer = Packer(self._send)
        self._bridge = LoopBridge()
        self._client: _Client | None = None
        self._old: list[_Client] = []
        self._acknowledged_at = self._failed_at = float("-inf")
        self._why_failed = self._login = ""

    async def start(self) -> None:
        """Begin. Raises UserError if the brokers refuse us for a reason that a person must remove.

        Returns also while no broker answers or the topic is missing; `why_not_ready` says so then.
        """
        self._bridge.attach()
        self._client = _Client(self._settings, self._noted)
        try:
            await self._topic.start()
        except BaseException:
            self._client.close()
            raise

    @property
    def partitions(self) -> int:
        """How many partitions the topic has. Raises UnavailableError while that isn't known."""
        if self._topic.info is None:
            raise UnavailableError(self._topic.why_not_ready() or "")
        return self._topic.info.partitions

    async def append(self, lines: Sequence[tuple[int, bytes]]) -> None:
        """Return once the brokers have acknowledged every line; each comes with its partition, and without its 0x0A.

        Raises UnavailableError when one of them wasn't acknowledged: others may be in the log. Raises LineRefusedError
        if the brokers won't ever take one of them.
        """
        if lines:
            await self._packer.add(lines, time.monotonic())

    @property
    def waiting_bytes(self) -> int:
        """The bytes of all lines that wait for their acknowledgement."""
        return self._packer.waiting_bytes

    @property
    def oldest_seconds(self) -> float:
        """How long the oldest of them has waited (s); 0 if there is none."""
        oldest = self._packer.oldest()
        return 0.0 if oldest is None else time.monotonic() - oldest

    def why_not_ready(self) -> str | None:
        """Say in a sentence why the brokers wouldn't acknowledge a line now; None if nothing speaks against it."""
        if (why := self._topic.why_not_ready()) is not None:
            return why
        if (oldest := self.oldest_seconds) > SLOW_SECONDS:
            return f"The brokers have not acknowledged the oldest line for {oldest:.0f} s. {self._login}".rstrip()
        if self._acknowledged_at < self._failed_at > time.monotonic() - FAILED_SECONDS:
            return f"The last record failed: {self._why_failed}"
        return None

    def tick(self) -> None:
        """Give up waiting for what has taken too long. Call it about once a second."""
        why = f"the brokers have not acknowledged it within {WAIT_SECONDS:.0f} s"
        self._packer.expire(time.monotonic() - WAIT_SECONDS, why)

    async def drain(self, seconds: float) -> bool:
        """Wait up to `seconds` until nothing waits for an acknowledgement; return whether that is so."""
        try:
            async with asyncio.timeout(seconds):
                await self._packer.empty.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """End; what wasn't acknowledged is given up."""
        self._topic.stop()
        clients = [*self._old, *([self._client] if self._client else [])]
        for client in clients:
            client.close()
        for client in clients:
            await asyncio.to_thread(client.join, 2 * POLL_SECONDS)

    def _begin_anew(self) -> None:
        """Use a new client: the old one is broken, or its numbers are those of a log that is gone."""
        if self._client is not None:
            self._client.close()
            self._old = [self._client]
            self._client = _Client(self._settings, self._noted)

    def _send(self, record: Record) -> None:
        assert self._client is not None, "started"
        report = partial(self._reported, record, self._client, time.monotonic())
        try:
            self._client.producer.produce(
                names.IMPRESSIONS, record.value(), partition=record.partition, on_delivery=report
            )
        except (KafkaException, BufferError) as error:
            cause = error.args[0] if error.args else None
            known = cause if isinstance(cause, KafkaError) else KafkaError(KafkaError._QUEUE_FULL)
            # As if the client had reported it: a record's end is never told while it is being sent.
            self._bridge.post(partial(self._settle, record, self._client, time.monotonic(), known))

    def _reported(
        self, record: Record, client: _Client, sent: float, error: KafkaError | None, _message: Message
    ) -> None:
        """Take a report in the client's thread."""
        self._bridge.post(partial(self._settle, record, client, sent, error))

    def _settle(self, record: Record, client: _Client, sent: float, error: KafkaError | None) -> None:
        now = time.monotonic()
        if error is None:
            self._acknowledged_at, self._login = now, ""
            self._observe_acknowledged(len(record.lines), record.size, now - sent)
            self._packer.acknowledged(record)
            return
        self._observe_failed()
        if error.code() in FOR_GOOD:
            logger.warning("record_refused", partition=record.partition, lines=len(record.lines), why=error.str())
            self._packer.refused(record, error.str())
            return
        self._failed_at, self._why_failed = now, error.str()
        logger.warning(
            "record_failed",
            partition=record.partition,
            lines=len(record.lines),
            bytes=record.size,
            seconds=round(now - sent, 3),
            why=error.str(),
        )
        if kafka_kind(error) is Kind.RESTART and client is self._client:
            logger.warning("client_replaced", why=error.str())
            self._begin_anew()
        self._packer.failed(record, error.str())

    def _noted(self, error: KafkaError) -> None:
        """Remember, in the client's thread, a login that was refused: records only time out then."""
        if error.code() in LOGIN:
            self._login = f"{error.str()}."
