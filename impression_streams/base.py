"""What all producers share: what they accept, what they hold, and how they end."""

import os
import time
from collections.abc import Callable, Mapping
from logging import ERROR
from typing import Any, NoReturn

from impression_streams import at_exit, encode, log, times
from impression_streams.delivery import BufferFullError, Delivery, Stats, Undelivered, UndeliveredError
from impression_streams.engine import Engine, never
from impression_streams.flush import Flush
from impression_streams.ids import new_id
from impression_streams.options import ProducerOptions
from impression_streams.outgoing import Outgoing
from impression_streams.sending import MakeSender

# Once it has given up, close() only waits for the sender to hand everything back, which needs no network.
ABANDON_SECONDS = 15.0
# How long close() waits for the host's log to take the last lines.
LOG_SECONDS = 0.5


class BaseProducer:
    """Not for use by itself: see ImpressionProducer and HttpImpressionProducer."""

    def _open(
        self, options: ProducerOptions, make_sender: MakeSender, on_delivery: Callable[[Delivery], None] | None
    ) -> None:
        """Start the producer's threads."""
        self._options = options
        self._pid = os.getpid()
        self._closed = False
        self._exit_by = 0.0
        self._engine = Engine(options, make_sender, self._reported_to(on_delivery))
        at_exit.OPEN.add(self)

    @property
    def stats(self) -> Stats:
        """Return the current counters."""
        return self._engine.stats

    def take_undelivered(self) -> Undelivered:
        """Take back what was given up so far. This frees its room, and `close` won't hand it out again."""
        self._check_process()
        undelivered = self._engine.account.take_undelivered()
        self._engine.intake.put(_nothing)  # whoever waits for room looks again
        return undelivered

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} can't be sent to another process: make one in each process")

    def begin_close_at_exit(self, seconds: float) -> None:
        """Start to close at the process's exit."""
        self._engine.begin_close(seconds)
        self._exit_by = time.monotonic() + seconds + ABANDON_SECONDS

    def finish_close_at_exit(self) -> None:
        """Wait for the end, and log what is undelivered. Raises nothing."""
        try:
            self._finish_close(self._engine.wait(never, self._exit_by - time.monotonic()))
        except UndeliveredError as error:
            counts = {"flushes": len(error.flushes), "records": len(error.records)}
            log.write(ERROR, "undelivered_at_exit", **counts, reasons=error.reasons)
        except Exception as error:  # Python would write it to stderr
            log.write(ERROR, "close_at_exit_failed", error)

    def _prepare_raw(self, lines: bytes | None, key: str | None, partition: int | None) -> Outgoing:
        """Return a raw record. Raises ValueError for one that can't be sent."""
        return Outgoing.of_raw(lines, key, partition)

    def _missing_topic(self) -> Exception:
        """Return what to raise where there is no such topic."""
        raise NotImplementedError

    def _reported_to(self, on_delivery: Callable[[Delivery], None] | None) -> Callable[[Delivery], None] | None:
        return on_delivery

    def _prepare(self, fields: dict[str, object]) -> tuple[str, tuple[str, bytes]]:
        """Return the impression's id, and what to put into the intake. Raises ValueError that names the field."""
        self._check_process()
        user_id = fields.pop("user_id")
        encode.check_id("user_id", user_id)
        if fields["impression_id"] is None:
            fields["impression_id"] = new_id()
        fields["seen_at"] = times.seen_ms(fields["seen_at"])
        line = encode.impression_json(fields)
        return str(fields["impression_id"]), (str(user_id), line)

    def _prepare_flush(self, flush: Flush | Mapping[str, Any]) -> Outgoing:
        given = flush.model_dump(exclude_unset=True) if isinstance(flush, Flush) else flush
        return Outgoing.of_flush(encode.check_flush(times.flush_times(given)))

    def _offer(self, item: tuple[str, bytes] | Outgoing) -> bool:
        """Let the item in, if there is room. Raises MissingTopicError, RuntimeError, BufferFullError (see `record`)."""
        engine = self._engine
        if engine.intake.closed:
            engine.check()
        if engine.topic_is_missing:
            raise self._missing_topic()
        weight, impressions = (item.weight, item.impressions) if isinstance(item, Outgoing) else (1, 1)
        if engine.intake.offer(item, weight, impressions):
            return True
        engine.flush(None, "size")  # waiting for their timers would only take longer
        if engine.intake.is_clogged(weight):
            raise BufferFullError(
                f"{engine.intake.held_failed} impressions that could not be delivered"
                f" ({'; '.join(engine.account.reasons)}) fill the buffer: take them back with take_undelivered()"
            )
        return False

    def _has_room(self, item: tuple[str, bytes] | Outgoing) -> bool:
        """Return whether it is worth while to offer the item again."""
        intake, weight = self._engine.intake, item.weight if isinstance(item, Outgoing) else 1
        return intake.closed or intake.fits(weight) or intake.is_clogged(weight)

    def _full(self) -> BufferFullError:
        held = self._engine.intake.held
        return BufferFullError(f"{held} impressions are not acknowledged yet; the most is {self._options.max_buffered}")

    def _finish_close(self, ended: bool) -> None:
        """Raise what `close` raises, once; `ended` says whether the thread has ended in time."""
        engine = self._engine
        if not ended:
            raise RuntimeError(
                "the producer's thread did not end (does on_delivery wait for something?),"
                f" so what it held is unaccounted for: {engine.stats}"
            )
        at_exit.OPEN.remove(self)
        if self._closed:
            return
        self._closed = True
        log.drain(LOG_SECONDS)
        reasons, error = engine.account.reasons, engine.reporter.error
        if undelivered := self.take_undelivered():
            raise UndeliveredError(undelivered, reasons) from engine.crash or error
        if engine.crash is not None:
            engine.check()
        if engine.stats.buffered or engine.stats.queued:
            raise RuntimeError(f"impressions are unaccounted for, which is a defect of the producer: {engine.stats}")
        if error is not None:
            raise error

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise RuntimeError("the producer was made before a fork: make one in each process")


def _nothing() -> None:
    """Do nothing."""
