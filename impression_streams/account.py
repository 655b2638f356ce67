"""What a producer holds and what became of the rest. The producer's thread alone changes it."""

from collections import deque
from contextlib import suppress
from typing import NamedTuple

from impression_streams.delivery import Delivery, RawRecord, Stats, Undelivered
from impression_streams.encode import parse_flush
from impression_streams.intake import Intake
from impression_streams.outgoing import Outgoing

# This many different reasons are enough to see what is wrong.
MAX_REASONS = 3


class Counts(NamedTuple):
    """The counters of one moment; all are replaced together, so any thread may read them."""

    sent: int = 0
    acknowledged: int = 0
    failed: int = 0
    records_acknowledged: int = 0
    records_failed: int = 0
    rejected: int = 0


class Account:
    """Counters, the records that are being sent, and those that were given up and wait for the caller."""

    def __init__(self, intake: Intake) -> None:
        self.counts = Counts()
        self.open: dict[Outgoing, None] = {}  # neither acknowledged nor given up, in order
        self.reasons: list[str] = []
        self.arrived = 0  # impressions
        self._intake = intake
        self._given_up: deque[Outgoing] = deque()
        self._unreported = 0

    def sent(self, outgoing: Outgoing) -> None:
        """Count a record that is being sent."""
        self.open[outgoing] = None
        self.counts = self.counts._replace(sent=self.counts.sent + outgoing.impressions)
        if outgoing.open:
            outgoing.dropped, self._unreported = self._unreported, 0

    def finished(self, outgoing: Outgoing, delivery: Delivery) -> None:
        """Count a record that was acknowledged or given up."""
        self.open.pop(outgoing, None)
        counts, count = self.counts, outgoing.impressions
        if delivery.error is None:
            self._intake.freed += outgoing.weight
            self.counts = counts._replace(
                acknowledged=counts.acknowledged + count,
                records_acknowledged=counts.records_acknowledged + 1,
                rejected=counts.rejected + count - delivery.accepted,
            )
            return
        self._unreported += count + outgoing.dropped
        if delivery.error not in self.reasons and len(self.reasons) < MAX_REASONS:
            self.reasons.append(delivery.error)
        self._given_up.append(outgoing)
        self._intake.failed += outgoing.weight
        self.counts = counts._replace(failed=counts.failed + count, records_failed=counts.records_failed + 1)

    def take_undelivered(self) -> Undelivered:
        """Return what was given up, and forget it. Any thread may call; each record is returned once."""
        given_up: list[Outgoing] = []
        with suppress(IndexError):
            while True:
                given_up.append(self._given_up.popleft())
        self.reasons = []
        self._intake.take(sum(outgoing.weight for outgoing in given_up))
        return undelivered(given_up)

    def take_back(self, outgoing: Outgoing) -> None:
        """Forget a record that was given up, if nobody took it: its own caller has it."""
        try:
            self._given_up.remove(outgoing)
        except ValueError:
            return
        self._intake.take(outgoing.weight)

    def stats(self, retries: int) -> Stats:
        """Return the counters. Any thread may call."""
        counts = self.counts  # before `recorded`, which only grows: so no part of the sum is ever missing
        recorded = self.arrived if self._intake.finished else self._intake.recorded
        return Stats(
            recorded=recorded,
            buffered=recorded - counts.sent,
            queued=counts.sent - counts.acknowledged - counts.failed,
            acknowledged=counts.acknowledged,
            failed=counts.failed,
            records_acknowledged=counts.records_acknowledged,
            records_failed=counts.records_failed,
            retries=retries,
            rejected=counts.rejected,
        )


def undelivered(given_up: list[Outgoing]) -> Undelivered:
    """Return records as their caller gave them."""
    return Undelivered(
        [parse_flush(outgoing.value(0) or b"") for outgoing in given_up if outgoing.flush_id],
        [RawRecord(o.line, o.key, o.partition) for o in given_up if not o.flush_id],
    )
