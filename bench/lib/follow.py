"""What a read_committed consumer receives, and how long after its source was appended.

Times are of the machine's wall clock (ms since the epoch), which the broker on the same machine shares. The broker's
timestamps are whole milliseconds, rounded down: a latency is too long by up to 1 ms, never too short.
"""

import threading
import time
from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import orjson
from confluent_kafka import TopicPartition

from streams.errors import UserError
from streams.kafka.admin import describe, watermarks
from streams.kafka.names import ACCEPTED, COVERAGE
from streams.kafka.read import poll, reader
from streams.settings import Settings

POLL_SECONDS = 0.1
# If nothing arrives for this long, everything committed has been read.
QUIET_SECONDS = 1.0


class Arrivals:
    """Rows in order of arrival, 18 bytes each."""

    def __init__(self) -> None:
        self.at, self.appended, self.partition = array("d"), array("q"), array("H")

    def __len__(self) -> int:
        return len(self.at)

    def add(self, at: float, appended: int, partition: int) -> None:
        """Note a row that arrived at `at` and whose source was appended at `appended`."""
        self.at.append(at)
        self.appended.append(appended)
        self.partition.append(partition)

    def latencies(self, since: float, until: float) -> Iterator[float]:
        """Return the latencies (ms) of rows whose source was appended from `since` on and before `until`."""
        for at, appended in zip(self.at, self.appended, strict=True):
            if since <= appended < until:
                yield at - appended

    def times(self, partition: int | None = None) -> list[float]:
        """Return when rows arrived, for one partition or all."""
        if partition is None:
            return list(self.at)
        return [at for at, each in zip(self.at, self.partition, strict=True) if each == partition]


class Silence(NamedTuple):
    """A time in which nothing arrived (ms)."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end - self.begin) / 1000


def longest_silence(times: Sequence[float], since: float, until: float) -> Silence:
    """Return the longest time between two arrivals: the later one after `since`, the earlier one before `until`.

    The last arrival before `since` counts, since a silence may have begun already; one cut off by `until` ends there.
    """
    before = max((at for at in times if at <= since), default=since)
    inside = [before, *sorted(at for at in times if since < at <= until), until]
    return max((Silence(*pair) for pair in pairwise(inside)), key=lambda silence: silence.end - silence.begin)


class Matcher:
    """Finds the coverage row that includes each accepted row: the user's first one that is not older.

    A coverage row's `updated_at` is the newest record of its user in a chunk, so it covers the older ones too.
    The two topics are read together, in either order.
    """

    def __init__(self) -> None:
        self.covered = Arrivals()
        self._waiting: dict[str, list[int]] = {}
        self._latest: dict[str, tuple[int, float]] = {}

    def accepted(self, user_id: str, appended: int, partition: int) -> None:
        """Note an accepted row."""
        updated_at, at = self._latest.get(user_id, (-1, 0.0))
        if updated_at >= appended:
            self.covered.add(at, appended, partition)
        else:
            self._waiting.setdefault(user_id, []).append(appended)

    def coverage(self, user_id: str, updated_at: int, at: float, partition: int) -> None:
        """Note a coverage row that arrived at `at`."""
        self._latest[user_id] = (updated_at, at)
        left = []
        for appended in self._waiting.pop(user_id, ()):
            if appended <= updated_at:
                self.covered.add(at, appended, partition)
            else:
                left.append(appended)
        if left:
            self._waiting[user_id] = left

    @property
    def waiting(self) -> int:
        """How many accepted rows have no coverage row yet."""
        return sum(map(len, self._waiting.values()))


class Follower:
    """Reads accepted and, if asked to, coverage from their ends, in a thread, until `close`."""

    def __init__(self, settings: Settings, coverage: bool = True) -> None:
        """Raises UserError if a topic is missing."""
        self.accepted = Arrivals()
        self._matcher = Matcher()
        self._stopped = threading.Event()
        self._failed: BaseException | None = None
        topics = [ACCEPTED, COVERAGE] if coverage else [ACCEPTED]
        # The default waits to gather more; this consumer wants every row at once.
        self._consumer = reader(settings, **{"fetch.min.bytes": 1})
        self._consumer.assign(
            [
                TopicPartition(topic, number, watermarks(settings, topic, number)[1])
                for topic in topics
                for number in range(describe(settings, topic).partitions)
            ]
        )
        self._with_coverage = coverage
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._thread.start()

    @property
    def covered(self) -> Arrivals:
        """For each accepted row, when the coverage row that includes it arrived."""
        return self._matcher.covered

    @property
    def uncovered(self) -> int:
        """How many accepted rows have no coverage row yet."""
        return self._matcher.waiting

    def wait_quiet(self, seconds: float) -> None:
        """Return once nothing has arrived for a second. Raises UserError if that doesn't happen in time."""
        deadline = time.monotonic() + seconds
        count, since = -1, time.monotonic()
        while time.monotonic() - since < QUIET_SECONDS:
            self._check()
            if (now := len(self.accepted) + len(self.covered)) != count:
                count, since = now, time.monotonic()
            if time.monotonic() > deadline:
                raise UserError(f"Rows were still coming after {seconds:.0f} s.")
            time.sleep(POLL_SECONDS)

    def close(self) -> None:
        """Stop reading."""
        self._stopped.set()
        self._thread.join()

    def _check(self) -> None:
        if self._failed is not None:
            raise UserError(f"What is committed could not be read: {self._failed}.") from self._failed

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                # One message per call: a call for many would wait for many.
                records = poll(self._consumer, 1, POLL_SECONDS).records
                at = time.time() * 1000
                for record in records:
                    self._note(str(record.topic()), int(record.partition() or 0), record.value(), at)
            self._consumer.close()
        except BaseException as error:
            self._failed = error

    def _note(self, topic: str, partition: int, value: bytes | None, at: float) -> None:
        for line in (value or b"").split(b"\n") if value else ():
            row = orjson.loads(line)
            if topic == COVERAGE:
                self._matcher.coverage(row["user_id"], row["updated_at"], at, partition)
                continue
            self.accepted.add(at, row["received_at"], partition)
            if self._with_coverage:
                self._matcher.accepted(row["user_id"], row["received_at"], partition)
