"""Count what a producer holds and what became of the rest. It has no lock: its owner holds one."""

from impression_streams.delivery import Delivery, RawRecord, Stats, Undelivered
from impression_streams.encode import parse_flush
from impression_streams.outgoing import Outgoing

# This many different reasons are enough to see what is wrong.
MAX_REASONS = 3


class Account:
    """Counters, and the records that were given up and wait for the caller to take them back."""

    def __init__(self) -> None:
        self.held = 0  # weight of everything in memory
        self.held_failed = 0  # the part of `held` that only the caller can free
        self.open_records = 0  # neither acknowledged nor given up
        self.reasons: list[str] = []
        self._recorded = self._buffered = self._acknowledged = self._failed = 0
        self._records_acknowledged = self._records_failed = 0
        self._given_up: list[Outgoing] = []
        self._unreported = 0

    def recorded(self) -> None:
        """Count an impression that went into a buffer."""
        self._recorded += 1
        self._buffered += 1
        self.held += 1

    def sent(self, outgoing: Outgoing, buffered: bool) -> None:
        """Count a record that is being sent; `buffered` says that its impressions come from a buffer."""
        self.open_records += 1
        if buffered:
            self._buffered -= outgoing.impressions
        else:
            self._recorded += outgoing.impressions
            self.held += outgoing.weight
        if outgoing.open:
            outgoing.dropped, self._unreported = self._unreported, 0

    def finished(self, outgoing: Outgoing, delivery: Delivery) -> None:
        """Count a record that was acknowledged or given up."""
        self.open_records -= 1
        if delivery.error is None:
            self.held -= outgoing.weight
            self._acknowledged += outgoing.impressions
            self._records_acknowledged += 1
            return
        self.held_failed += outgoing.weight
        self._failed += outgoing.impressions
        self._records_failed += 1
        self._unreported += outgoing.impressions + outgoing.dropped
        self._given_up.append(outgoing)
        if delivery.error not in self.reasons and len(self.reasons) < MAX_REASONS:
            self.reasons.append(delivery.error)

    def take_undelivered(self) -> Undelivered:
        """Return what was given up, and forget it."""
        given_up, self._given_up, self.reasons = self._given_up, [], []
        self.held -= self.held_failed
        self.held_failed = 0
        return Undelivered(
            [parse_flush(outgoing.value(0) or b"") for outgoing in given_up if outgoing.flush_id],
            [RawRecord(o.line, o.key, o.partition) for o in given_up if not o.flush_id],
        )

    def stats(self, retries: int) -> Stats:
        """Return the counters."""
        return Stats(
            recorded=self._recorded,
            buffered=self._buffered,
            queued=self._recorded - self._buffered - self._acknowledged - self._failed,
            acknowledged=self._acknowledged,
            failed=self._failed,
            records_acknowledged=self._records_acknowledged,
            records_failed=self._records_failed,
            retries=retries,
        )
