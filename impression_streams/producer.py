"""`ImpressionProducer`: what a backend records impressions with."""

import atexit
import os
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from logging import ERROR
from threading import Condition, Event, Thread, current_thread
from typing import Any, Self

from impression_streams import encode, log
from impression_streams.account import Account
from impression_streams.buffers import Buffer, Buffers
from impression_streams.client import Config, connect
from impression_streams.delivery import BufferFullError, Delivery, Stats, Undelivered, UndeliveredError
from impression_streams.flush import Flush
from impression_streams.ids import new_id, now_ms
from impression_streams.options import Compression, ProducerOptions
from impression_streams.outgoing import Outgoing
from impression_streams.report import Reporter
from impression_streams.sender import Sender
from impression_streams.types import FlushReason, Tier

# How long the thread serves delivery reports before it checks the timers again: a timed flush is at most this late.
TICK_SECONDS = 0.05
# Once it has given up, close() only waits for librdkafka to hand everything back, which needs no network.
ABANDON_SECONDS = 15.0


class ImpressionProducer:
    """Records impressions: batches them by user, sends them to Kafka, and knows what became of each.

    >>> with ImpressionProducer("127.0.0.1:9092", tier="pro") as producer:
    ...     producer.record("u42", "a0042", pool_id="main", dwell_ms=1200, visible=0.8)

    Promises
    - What `record` accepts is acknowledged by the broker (acks=all), or reported as failed to `on_delivery` and
      handed back by `close` (UndeliveredError) or `take_undelivered`. Nothing is dropped silently.
    - A failed flush is sent again with the same ids for `delivery_timeout` seconds, librdkafka's own retries
      included; the stream drops the duplicates.
    - `record` refuses what the stream would reject, with a ValueError that names the field; nothing else is affected.
    - Memory is bounded: at most `max_buffered` impressions (0.2 to 0.7 kB each) are unacknowledged. At that number,
      `record` waits up to `max_block` seconds for room (0: not at all), then raises BufferFullError.

    Any thread may use it. It belongs to one process: after a fork it raises RuntimeError in the child. `on_delivery`
    is called by the producer's thread, once for each flush and raw record; it must be quick and must not wait for
    this producer. If it raises, `close` raises the first exception again after everything else is done.
    A producer that was not closed is closed at the interpreter's exit, which may wait 30 s for the broker; what is
    undelivered then is only logged. Trouble goes to the logger `impression_streams`: at once, then at most one line
    a minute.
    """

    def __init__(  # noqa: PLR0913 - each is a separate setting, by keyword
        self,
        bootstrap: str = "127.0.0.1:9092",
        *,
        tier: Tier = "free",
        flush_interval: float | None = None,
        batch_size: int = 200,
        topic: str = "impressions.v1",
        session_id: str | None = None,
        experiments: Mapping[str, str] | None = None,
        on_delivery: Callable[[Delivery], None] | None = None,
        compression: Compression = "zstd",
        linger_ms: float = 5.0,
        delivery_timeout: float = 120.0,
        max_buffered: int = 100_000,
        max_block: float = 60.0,
        config: Config | None = None,
    ) -> None:
        """Set up; no connection is made yet. Raises ValueError for a wrong setting.

        A user's flush is sent once it has `batch_size` impressions (1 to 500), or `flush_interval` seconds (by tier:
        free 5, pro 1) after its first. `experiments` are arms by experiment (at most 16). `linger_ms` is how long
        flushes wait for others to share a request. `config` holds further settings of librdkafka, as for TLS and SASL.
        """
        self._options = ProducerOptions(
            tier, flush_interval, batch_size, session_id, experiments, delivery_timeout, max_buffered, max_block
        )
        self._reporter = Reporter(on_delivery)
        self._pid = os.getpid()
        self._changed = Condition()
        self._buffers = Buffers(batch_size, self._options.interval)
        self._account = Account()
        self._closing = self._closed = False
        self._stop = Event()
        self._crash: BaseException | None = None
        client = self._options.client(bootstrap, compression, linger_ms, config)
        self._sender = Sender(topic, partial(connect, client), self._finished)
        self._thread = Thread(target=self._run, name="impression-producer", daemon=True)
        self._thread.start()
        atexit.register(self._at_exit)

    def record(  # noqa: PLR0913 - the fields of an impression
        self,
        user_id: str,
        artwork_id: str,
        seen_at: int | None = None,
        *,
        impression_id: str | None = None,
        pool_id: str | None = None,
        dwell_ms: int | None = None,
        visible: float | None = None,
        position: int | None = None,
        surface: str | None = None,
    ) -> str:
        """Record one impression and return its id, a new UUID if None was given.

        Ids are 1 to 128 of A-Z a-z 0-9 . _ : - and `seen_at` is in ms since the epoch (now if None). `visible` is the
        share of the artwork's pixels that were on screen, 0 to 1; `dwell_ms` and `position` are whole numbers from 0.
        Raises ValueError for what the stream would reject, BufferFullError when there is no room, RuntimeError once
        the producer is closed.
        """
        self._check_process()
        encode.check_id("user_id", user_id)
        impression_id = new_id() if impression_id is None else impression_id
        line = encode.impression_json(
            {
                "impression_id": impression_id,
                "artwork_id": artwork_id,
                "seen_at": now_ms() if seen_at is None else seen_at,
                "pool_id": pool_id,
                "dwell_ms": dwell_ms,
                "visible": visible,
                "position": position,
                "surface": surface,
            }
        )
        with self._changed:
            self._make_room(1)
            self._account.recorded()
            full = self._buffers.add(user_id, line, time.monotonic())
            if full is not None:
                self._send_buffers([full], "size")
        return impression_id

    def send_flush(self, flush: Flush | Mapping[str, Any]) -> None:
        """Send a prepared flush at once, as it is except for unknown fields, which the stream ignores.

        Raises ValueError that names what is wrong with it (501 impressions are refused, not split),
        BufferFullError when there is no room.
        """
        self._send_prepared(Outgoing.of_flush(encode.check_flush(flush)))

    def send_raw(self, lines: bytes | None, *, partition: int | None = None, key: str | None = None) -> None:
        """Send a record's value as it is, be it valid, invalid or None: for replay and tests.

        It goes to `partition`, else to the partition of `key`, else to any. Raises ValueError for what a broker
        refuses (above 4 MiB), BufferFullError when there is no room.
        """
        self._send_prepared(Outgoing.of_raw(lines, key, partition))

    def flush(self, user_id: str | None = None, reason: FlushReason = "manual") -> None:
        """Send what is buffered for the user, or for all users, now; `wait` waits for the acknowledgements.

        Raises ValueError for an unknown reason, RuntimeError once the producer is closed.
        """
        self._check_process()
        encode.check_reason(reason)
        with self._changed:
            self._check_usable()
            self._send_buffers(self._buffers.take(user_id), reason)

    def wait(self, timeout: float) -> bool:
        """Wait until everything sent is acknowledged or given up; return False if `timeout` seconds did not suffice."""
        self._check_process()
        with self._changed:
            return self._wait_settled(timeout)

    def close(self, timeout: float = 30.0) -> None:
        """Send everything, wait for the acknowledgements, and end. A second call does nothing.

        Raises UndeliveredError with everything that was not acknowledged within `timeout` seconds or was given up
        before; the producer is closed nevertheless.
        """
        self._check_process()
        if current_thread() is self._thread:
            raise RuntimeError("close() can't be called from on_delivery: it waits for the deliveries")
        with self._changed:
            if self._closed:
                return
            self._closing = True
            self._changed.notify_all()
            self._send_buffers(self._buffers.take(), "manual")
            if not self._wait_settled(timeout):
                self._sender.abandon()
                self._wait_settled(ABANDON_SECONDS)
            self._closed = True
        self._stop.set()
        self._thread.join()
        atexit.unregister(self._at_exit)
        self._check_crash()
        reasons = self._account.reasons
        if undelivered := self.take_undelivered():
            raise UndeliveredError(undelivered, reasons) from self._reporter.error
        if self._reporter.error is not None:
            raise self._reporter.error

    def take_undelivered(self) -> Undelivered:
        """Take back what was given up so far. This frees its room, and `close` won't hand it out again."""
        with self._changed:
            undelivered = self._account.take_undelivered()
            self._changed.notify_all()
            return undelivered

    @property
    def stats(self) -> Stats:
        """Return the current counters."""
        with self._changed:
            return self._account.stats(self._sender.retries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _send_prepared(self, outgoing: Outgoing) -> None:
        self._check_process()
        with self._changed:
            self._make_room(outgoing.weight)
            self._submit(outgoing, buffered=False)

    def _send_buffers(self, buffers: Iterable[Buffer], reason: FlushReason) -> None:
        for buffer in buffers:
            header = self._options.flush_header(buffer.user_id, reason)
            self._submit(Outgoing.of_buffer(buffer, header), buffered=True)

    def _submit(self, outgoing: Outgoing, *, buffered: bool) -> None:
        outgoing.started = time.monotonic()
        outgoing.give_up_at = outgoing.started + self._options.delivery_timeout
        self._account.sent(outgoing, buffered)
        self._sender.submit(outgoing)

    def _make_room(self, weight: int) -> None:
        """Return once there is room (a record above the whole limit may go alone). The caller holds the lock."""
        self._check_usable()
        limit, account = self._options.max_buffered, self._account
        give_up_at = time.monotonic() + self._options.max_block
        while account.held and account.held + weight > limit:
            self._send_buffers(self._buffers.take(), "size")  # waiting for their timers would only take longer
            if account.held_failed and account.held_failed + weight > limit:
                raise BufferFullError(
                    f"{account.held_failed} impressions that could not be delivered ({'; '.join(account.reasons)})"
                    " fill the buffer: take them back with take_undelivered()"
                )
            left = give_up_at - time.monotonic()
            if left <= 0 or current_thread() is self._thread:
                raise BufferFullError(f"{account.held} impressions are not acknowledged yet; the most is {limit}")
            self._changed.wait(left)
            self._check_usable()

    def _wait_settled(self, timeout: float) -> bool:
        def settled() -> bool:
            return not self._account.open_records or self._crash is not None

        return self._changed.wait_for(settled, timeout)

    def _check_usable(self) -> None:
        if self._closing:
            raise RuntimeError("the producer is closed")
        self._check_crash()

    def _check_crash(self) -> None:
        if self._crash is not None:
            raise RuntimeError("the producer's thread ended on an error") from self._crash

    def _check_process(self) -> None:
        # Before taking any lock: a lock that was held when the process forked stays locked in the child for ever.
        if os.getpid() != self._pid:
            raise RuntimeError("the producer was made before a fork: make one in each process")

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._sender.step(TICK_SECONDS)
                with self._changed:
                    self._send_buffers(self._buffers.take_due(time.monotonic()), "timer")
        except BaseException as error:
            with self._changed:
                self._crash = error
                self._changed.notify_all()
            log.write(ERROR, "producer_thread_ended", error)

    def _finished(self, outgoing: Outgoing, delivery: Delivery) -> None:
        with self._changed:
            self._account.finished(outgoing, delivery)
            self._changed.notify_all()
        self._reporter.report(delivery)

    def _at_exit(self) -> None:
        if os.getpid() != self._pid:
            return
        try:
            self.close()
        except UndeliveredError as error:
            log.write(ERROR, "undelivered_at_exit", flushes=len(error.flushes), records=len(error.records))
        except Exception as error:  # Python would write it to stderr
            log.write(ERROR, "close_at_exit_failed", error)
