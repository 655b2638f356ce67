"""What a producer reports: each flush's delivery, its counters, and what it could not deliver."""

from collections.abc import Sequence
from dataclasses import dataclass

from impression_streams.flush import Flush


@dataclass(frozen=True, slots=True)
class Rejection:
    """What a collector says the stream will reject, and why (contract §4: `future`, `invalid`, ...).

    It is the impression at `index` of its flush, or the whole line if `index` is -1; then, and in a raw record,
    `impression_id` is "". `line` counts the lines of a raw record from 0.
    """

    reason: str
    index: int
    impression_id: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one flush, or of one raw record (its `flush_id` and `user_id` are "", its `impressions` 0).

    If the broker acknowledged it with acks=all, `error` is None and it is stored at `partition` and `offset` (both
    are -1 if a collector said so, which doesn't tell). Otherwise `error` says why the producer gave up, and both are
    -1. `latency_ms` counts from when the flush left its buffer and includes retries. `rejected` is what a collector
    says of stored impressions that the stream won't accept; Kafka doesn't tell, so there it is empty.
    """

    flush_id: str
    user_id: str
    impressions: int
    partition: int
    offset: int
    latency_ms: float
    error: str | None
    rejected: tuple[Rejection, ...] = ()

    @property
    def accepted(self) -> int:
        """Return how many impressions were acknowledged and not named as rejected; the stream may drop duplicates."""
        whole = self.error is not None or any(each.index < 0 for each in self.rejected)
        return 0 if whole else max(0, self.impressions - len({each.index for each in self.rejected}))


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters since the producer was made; recorded = buffered + queued + acknowledged + failed, at any moment.

    All but records and retries count impressions; the producer does not know how many a raw record has.
    """

    recorded: int
    buffered: int  # accepted, waiting for size or time
    queued: int  # sent, not yet acknowledged
    acknowledged: int
    failed: int  # given up
    records_acknowledged: int  # flushes and raw records
    records_failed: int
    retries: int  # attempts that failed and were repeated; librdkafka's own are not visible
    rejected: int = 0  # acknowledged, but a collector says that the stream will reject them

    @property
    def sent(self) -> int:
        """Return the number of impressions that left their buffer."""
        return self.recorded - self.buffered


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record given to `send_raw`."""

    value: bytes | None
    key: str | None
    partition: int | None


@dataclass(frozen=True, slots=True)
class Undelivered:
    """What was not acknowledged. Some of it may be stored nevertheless.

    Sending it again is safe: the ids are the same, so the stream drops what it already has.
    """

    flushes: list[Flush]
    records: list[RawRecord]

    def __bool__(self) -> bool:
        return bool(self.flushes or self.records)


class UndeliveredError(Exception):
    """Not everything was acknowledged in time: `flushes` and `records` now belong to the caller.

    `reasons` holds the first few different reasons.
    """

    def __init__(self, undelivered: Undelivered, reasons: Sequence[str]) -> None:
        self.flushes = undelivered.flushes
        self.records = undelivered.records
        self.reasons = list(reasons)
        impressions = sum(len(flush.impressions) for flush in self.flushes)
        raw = f" and {len(self.records)} raw records" if self.records else ""
        super().__init__(
            f"{impressions} impressions in {len(self.flushes)} flushes{raw} were not acknowledged"
            f" ({'; '.join(reasons)}): keep them and send them again, the stream drops what it has already"
        )


class BufferFullError(BufferError):
    """There is no room for what was given: none of it was accepted, and nothing else was lost."""


class MissingTopicError(RuntimeError):
    """The brokers have no such topic, and none of this producer's records was ever acknowledged.

    What was given was not accepted. What was accepted before is still tried, so a topic created soon gets it.
    """
