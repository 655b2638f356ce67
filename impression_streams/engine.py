"""The thread that owns a producer: what callers put in goes through it to its sender, and what became of it back.

    callers -- Intake --> engine's thread -- sender --> brokers, or a collector
               ^  |            | buffers, account, timers
       waiters <--+            +-- on_delivery, log
    the sender's reports -- its own threads -- Intake --> engine's thread

Nothing else touches buffers, account and sender, so no lock protects them, and a caller that is interrupted, by a
signal handler or by a finaliser that calls the producer again, holds nothing that the thread waits for.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from logging import ERROR

from impression_streams import log, native
from impression_streams.account import Account
from impression_streams.buffers import Buffer, Buffers
from impression_streams.delivery import Delivery, Stats
from impression_streams.intake import CLOSED, Intake, Item
from impression_streams.options import ProducerOptions
from impression_streams.outgoing import Outgoing
from impression_streams.report import Reporter
from impression_streams.sending import MakeSender
from impression_streams.types import FlushReason

# Between two looks at the timers when there is much to do.
BURST = 500
# So often the brokers must say, while the producer closes, that there is no such topic: one may have just been made.
LOOKS = 2
# An abandoned sender has handed everything back; what its other thread is just posting comes within this.
PAUSE_SECONDS = 0.01

# A wait of centuries, as settings may ask for, is an error of the operating system's queues.
LONGEST_IDLE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, eq=False)
class Waiter:
    """Somebody waits for a condition, which the engine's thread checks: `notify` is called once when it holds."""

    holds: Callable[[], bool]
    notify: Callable[[], None]


class Engine:
    """Runs the thread. `intake`, `account` and the methods are for any thread; the rest is the thread's own."""

    def __init__(
        self,
        options: ProducerOptions,
        make_sender: MakeSender,
        on_delivery: Callable[[Delivery], None] | None,
    ) -> None:
        self.intake = Intake(options.max_buffered)
        self.account = Account(self.intake)
        self.reporter = Reporter(on_delivery)
        self.crash: BaseException | None = None
        self._options = options
        self._buffers = Buffers(options.batch_size, options.interval)
        self.sender = make_sender(self.intake.put, self._finished)
        self._waiters: list[Waiter] = []
        self._deadline: float | None = None  # once closing: when to give up (monotonic, s)
        self._abandoned = False
        self._looks = 0
        native.start(self._run, "impression-producer")
        self.sender.start()

    @property
    def stats(self) -> Stats:
        """The counters."""
        return self.account.stats(self.sender.retries)

    @property
    def topic_is_missing(self) -> bool:
        """Whether nothing was ever acknowledged, and what was sent so far failed because there is no such topic."""
        if not self.sender.topic_is_missing:
            return False
        counts = self.account.counts
        return bool(self.account.open) and not counts.records_acknowledged

    def check(self) -> None:
        """Raise RuntimeError if the producer is closed, or its thread has crashed."""
        if self.crash is not None:
            raise RuntimeError("the producer's thread ended on an error") from self.crash
        if self.intake.closed:
            raise RuntimeError(CLOSED)

    def is_own_thread(self) -> bool:
        """Return whether the calling thread is one that the producer's work waits for."""
        return native.thread_id() in self.sender.threads

    def flush(self, user_id: str | None, reason: FlushReason) -> None:
        """Send what is buffered."""
        self.intake.put(lambda: self._send_buffers(self._buffers.take(user_id), reason))

    def when(self, waiter: Waiter) -> None:
        """Notify the waiter, from the engine's thread, as soon as its condition holds or the thread has ended."""

        def add() -> None:
            self._waiters.append(waiter)

        self.intake.put(add)
        if not self.intake.was_seen(add):
            waiter.notify()

    def wait(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Return True once the condition holds or the thread has ended, False after `seconds`."""
        latch = native.Latch()
        waiter = Waiter(holds, latch.open)
        self.when(waiter)
        if latch.wait(seconds):
            return True
        self.forget(waiter)
        return False

    def forget(self, waiter: Waiter) -> None:
        """Forget a waiter that no longer waits."""

        def remove() -> None:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

        self.intake.put(remove)

    def is_settled(self) -> bool:
        """Return whether everything sent is acknowledged or given up."""
        return not self.account.open

    def begin_close(self, seconds: float) -> None:
        """Let nothing more in, send everything, give up after `seconds`, and end; the earliest of several calls rules.

        `wait(never, ...)` waits for the end.
        """
        self.intake.close()
        self.intake.put(partial(self._begin_close, time.monotonic() + seconds))

    def _begin_close(self, deadline: float) -> None:
        if self._deadline is None:
            self._looks = self.sender.looks
        self._deadline = deadline if self._deadline is None else min(deadline, self._deadline)

    def _run(self) -> None:
        log.from_background()
        self.sender.threads.add(native.thread_id())
        try:
            while not self._is_over():
                for item in self.intake.get(self._idle_seconds(), BURST):
                    self._handle(item)
                self._tick(time.monotonic())
        except BaseException as error:
            self.crash = error
            log.write(ERROR, "producer_thread_ended", error)
        self._end()
        self.sender.threads.discard(native.thread_id())  # another thread may get the id
        log.from_foreground()

    def _idle_seconds(self) -> float | None:
        if self._abandoned:
            return PAUSE_SECONDS
        times = [t for t in (self._buffers.next_due(), self.sender.next_retry(), self._deadline) if t is not None]
        return max(0.0, min(LONGEST_IDLE_SECONDS, min(times) - time.monotonic())) if times else None

    def _handle(self, item: Item) -> None:
        if isinstance(item, tuple):
            self.account.arrived += 1
            full = self._buffers.add(item[0], item[1], time.monotonic())
            if full is not None:
                self._send_buffers([full], "size")
        elif isinstance(item, Outgoing):
            self.account.arrived += item.impressions
            self._submit(item)
        else:
            item()

    def _tick(self, now: float) -> None:
        self.sender.tick(now)
        self._send_buffers(list(self._buffers.take_due(now)), "timer")
        if self._deadline is not None:
            self._send_buffers(self._buffers.take(), "manual")
            if self.account.open and (now >= self._deadline or self._is_hopeless()) and not self._abandoned:
                self._abandoned = True
                self.sender.abandon()
        ready = [waiter for waiter in self._waiters if waiter.holds()]
        for waiter in ready:
            self._waiters.remove(waiter)
            waiter.notify()

    def _is_hopeless(self) -> bool:
        return self.topic_is_missing and self.sender.looks >= self._looks + LOOKS

    def _is_over(self) -> bool:
        return self._deadline is not None and not self.account.open and not self._buffers.next_due()

    def _send_buffers(self, buffers: list[Buffer], reason: FlushReason) -> None:
        for buffer in buffers:
            self._submit(Outgoing.of_buffer(buffer, self._options.flush_header(buffer.user_id, reason)))

    def _submit(self, outgoing: Outgoing) -> None:
        outgoing.started = time.monotonic()
        outgoing.give_up_at = outgoing.started + self._options.delivery_timeout
        self.account.sent(outgoing)
        self.sender.submit(outgoing)

    def _finished(self, outgoing: Outgoing, delivery: Delivery) -> None:
        if outgoing not in self.account.open:
            return
        self.account.finished(outgoing, delivery)
        self.reporter.report(delivery)
        if outgoing.done is not None:
            outgoing.done(delivery)

    def _end(self) -> None:
        """Hand back whatever is left, which after a crash may be everything; then nobody waits any longer."""
        self.sender.stop()
        buffers: list[Buffer | None] = []
        for item in self.intake.finish():
            if isinstance(item, tuple):
                self.account.arrived += 1
                buffers.append(self._buffers.add(*item, 0.0))
            elif isinstance(item, Outgoing):
                self.account.arrived += item.impressions
                self.account.sent(item)
            else:
                self._last_step(item)
        for buffer in (*buffers, *self._buffers.take()):
            if buffer is not None:
                self.account.sent(Outgoing.of_buffer(buffer, self._options.flush_header(buffer.user_id, "manual")))
        reason = f"the producer's thread ended on an error: {self.crash!r}" if self.crash else "the producer is closed"
        for outgoing in list(self.account.open):
            self._finished(
                outgoing, Delivery(outgoing.flush_id, outgoing.user_id, outgoing.impressions, -1, -1, 0.0, reason)
            )
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.notify()

    def _last_step(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:  # likely the one that has ended the thread; the steps after it still count
            self.crash = self.crash or error


def never() -> bool:
    """Return False: who waits for this waits for the thread's end."""
    return False
