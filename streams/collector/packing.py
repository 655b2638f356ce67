"""Packs lines into records. Of each partition one record is in flight; what comes meanwhile is the next one.

No timer: a line that finds its partition idle is sent at once, and records grow by themselves when acknowledgements
take longer or more arrives. Everything here happens in one thread, and nothing here knows Kafka.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from streams.collector.errors import LineRefusedError, UnavailableError

# Small enough for a broker to take in a millisecond, large enough for some hundred flushes.
RECORD_BYTES = 512 * 1024


@dataclass(slots=True, eq=False)
class Ticket:
    """Somebody waits for these lines: the future has a result once all are acknowledged, else the first error."""

    future: asyncio.Future[None]
    left: int


@dataclass(slots=True, eq=False)
class Line:
    """A line, without its end, on its way to the brokers."""

    data: bytes
    ticket: Ticket
    since: float
    """When it came, by a monotonic clock (s)."""
    alone: bool = False
    """Whether it must be a record of its own, because it was in one that was refused."""


@dataclass(slots=True, eq=False)
class Record:
    """Lines of one partition that were sent together, and are acknowledged together."""

    partition: int
    lines: list[Line]
    size: int

    def value(self) -> bytes:
        """Return the record's value: the lines byte for byte, with 0x0A between them."""
        lines = self.lines
        return lines[0].data if len(lines) == 1 else b"\n".join([line.data for line in lines])


@dataclass(slots=True)
class _Lane:
    """A partition: its record in flight, and what waits for that."""

    waiting: deque[Line] = field(default_factory=deque)
    in_flight: Record | None = None


class Packer:
    """The lines that aren't acknowledged yet, of all partitions.

    `send` starts sending a record. Later, or within the call, exactly one of `acknowledged`, `failed` and `refused`
    must be called with it.
    """

    def __init__(self, send: Callable[[Record], None]) -> None:
        self._send = send
        self._lanes: dict[int, _Lane] = {}
        self.waiting_bytes = 0
        """The bytes of all lines that are neither acknowledged nor given up."""
        self.empty = asyncio.Event()
        """Set while there is no such line."""
        self.empty.set()

    def add(self, lines: Sequence[tuple[int, bytes]], now: float) -> asyncio.Future[None]:
        """Take lines with their partitions; return the future that says whether all were acknowledged.

        Its errors are UnavailableError and LineRefusedError. Lines of one call for one partition travel together, as
        far as a record has room for them.
        """
        future = asyncio.get_running_loop().create_future()
        ticket = Ticket(future, len(lines))
        self.empty.clear()
        touched = set()
        for partition, data in lines:
            lane = self._lanes.get(partition)
            if lane is None:
                lane = self._lanes[partition] = _Lane()
            lane.waiting.append(Line(data, ticket, now))
            self.waiting_bytes += len(data)
            touched.add(partition)
        for partition in touched:
            self._pump(partition, self._lanes[partition])
        return future

    def acknowledged(self, record: Record) -> None:
        """The brokers have a record: whoever waits for its lines may go on, and the next record leaves."""
        lane = self._end(record)
        for line in record.lines:
            self._settle(line, None)
        self._pump(record.partition, lane)

    def failed(self, record: Record, why: str) -> None:
        """A record wasn't acknowledged in time. What waited behind it is given up too: it has waited long enough."""
        lane = self._end(record)
        given_up = [*record.lines, *lane.waiting]
        lane.waiting.clear()
        for line in given_up:
            self._settle(line, UnavailableError(why))
        self._forget_idle(record.partition, lane)

    def refused(self, record: Record, why: str) -> None:
        """The brokers won't ever take a record. Its lines are sent again one by one: perhaps one alone is to blame."""
        lane = self._end(record)
        if len(record.lines) == 1:
            self._settle(record.lines[0], LineRefusedError(why))
        else:
            for line in reversed(record.lines):
                line.alone = True
                lane.waiting.appendleft(line)
        self._pump(record.partition, lane)

    def expire(self, before: float, why: str) -> None:
        """Tell everyone whose lines came before then that they wait in vain; the lines themselves stay on their way."""
        for lane in self._lanes.values():
            for line in (*(lane.in_flight.lines if lane.in_flight else ()), *lane.waiting):
                if line.since >= before:
                    break
                if not line.ticket.future.done():
                    line.ticket.future.set_exception(UnavailableError(why))

    def oldest(self) -> float | None:
        """Return when the oldest line came that isn't acknowledged; None if there is none."""
        firsts = [
            lane.in_flight.lines[0].since if lane.in_flight else lane.waiting[0].since
            for lane in self._lanes.values()
            if lane.in_flight or lane.waiting
        ]
        return min(firsts, default=None)

    def _end(self, record: Record) -> _Lane:
        lane = self._lanes[record.partition]
        assert lane.in_flight is record, "a record's end is told once"
        lane.in_flight = None
        return lane

    def _settle(self, line: Line, error: Exception | None) -> None:
        self.waiting_bytes -= len(line.data)
        ticket = line.ticket
        ticket.left -= 1
        # It may be over already: another of its lines failed, it expired, or nobody waits any more.
        if not ticket.future.done():
            if error is not None:
                ticket.future.set_exception(error)
            elif ticket.left == 0:
                ticket.future.set_result(None)

    def _pump(self, partition: int, lane: _Lane) -> None:
        if lane.in_flight is None and lane.waiting:
            lane.in_flight = record = self._next(partition, lane.waiting)
            self._send(record)
        else:
            self._forget_idle(partition, lane)

    def _next(self, partition: int, waiting: deque[Line]) -> Record:
        first = waiting.popleft()
        lines, size = [first], len(first.data)
        while not first.alone and waiting and not waiting[0].alone and size + 1 + len(waiting[0].data) <= RECORD_BYTES:
            line = waiting.popleft()
            lines.append(line)
            size += 1 + len(line.data)
        return Record(partition, lines, size)

    def _forget_idle(self, partition: int, lane: _Lane) -> None:
        """Forget a partition with nothing on its way: it may not exist for long."""
        if lane.in_flight is None and not lane.waiting:
            self._lanes.pop(partition, None)
            if not self._lanes:
                self.empty.set()
