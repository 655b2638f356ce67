"""Impressions as they arrive: evenly spaced, whether or not anything keeps up, from a process of their own."""

import multiprocessing
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event

from confluent_kafka import Producer

from bench.lib.backlog import SEED, SPAN_MS, USERS, Record, records
from impression_streams.client import connection
from streams.errors import UserError
from streams.kafka.names import IMPRESSIONS
from streams.settings import Settings

# A record that is due within this time (s) is sent now: a shorter sleep costs more than it is worth.
TICK_SECONDS = 0.001
# Between two checks whether to stop.
LOOK_SECONDS = 0.05
FLUSH_SECONDS = 60.0
# A Python process starts within a second, and makes its records in a few more.
START_SECONDS = 120.0
END_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """The backlog's artworks, retries included, at `rate` impressions/s for `seconds`, of these users.

    Event time is the time of arrival: it begins at `start_ms` and lasts as long as the traffic. Equal traffic gives
    equal records. `ahead`: make all records before sending the first, so making them takes no time from others.
    """

    rate: float
    seconds: float
    size: int
    start_ms: int
    seed: int = SEED
    ahead: bool = False
    users: range = range(USERS)

    @property
    def impressions(self) -> int:
        """The number of impressions in all."""
        return round(self.rate * self.seconds)

    def records(self) -> Iterator[Record]:
        """Yield the records in order of arrival."""
        span = round(self.seconds * 1000)
        for record in records(self.impressions, self.size, 0, self.seed, self.users):
            seen = tuple(
                each._replace(seen_at=self.start_ms + each.seen_at * span // SPAN_MS) for each in record.impressions
            )
            yield Record(record.number, seen)


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent; `behind` is the longest delay of a record (s): if it is large, arrival was not even."""

    records: int
    impressions: int
    behind: float


class Sender:
    """Sends traffic from a process of its own, which starts at once; see `sending`."""

    def __init__(self, settings: Settings, traffic: Traffic) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._stop = spawn.Event()
        self._ours, theirs = spawn.Pipe(duplex=False)
        self._process = spawn.Process(
            target=_send, args=(settings.kafka_bootstrap, traffic, theirs, self._stop), daemon=True
        )
        self._process.start()
        theirs.close()
        self._seconds = traffic.seconds
        self._result: Sent | None = None

    def wait_begun(self) -> None:
        """Return once the first record is due. Raises UserError if it never gets there."""
        self._receive(START_SECONDS)

    def result(self) -> Sent:
        """Return what was sent, once everything is. Raises UserError if the broker did not accept it."""
        if self._result is None:
            found = self._receive(self._seconds * 2 + FLUSH_SECONDS)
            assert isinstance(found, Sent)
            self._result = found
        return self._result

    def stop(self) -> Sent:
        """Stop sending early; return what was sent."""
        self._stop.set()
        return self.result()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.terminate()
        self._process.join(END_SECONDS)

    def _receive(self, seconds: float) -> object:
        if not self._ours.poll(seconds):
            raise UserError("The traffic did not get through to the broker in time.")
        try:
            found = self._ours.recv()
        except EOFError:
            raise UserError("The process that sends the traffic ended by itself.") from None
        if isinstance(found, str):
            raise UserError(found)
        return found


@contextmanager
def sending(settings: Settings, traffic: Traffic) -> Iterator[Sender]:
    """Send traffic from its first record on; whatever happens, send nothing after the block."""
    sender = Sender(settings, traffic)
    try:
        sender.wait_begun()
        yield sender
    finally:
        sender.close()


def now_ms() -> int:
    """Return the time of the clock that the broker shares: ms since the epoch."""
    return int(time.time() * 1000)


def _send(bootstrap: str, traffic: Traffic, pipe: Connection, stop: Event) -> None:
    # Ctrl-C reaches the whole process group; the parent ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    producer = Producer(
        {
            **connection(bootstrap),
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
            "compression.type": "lz4",
            # Append what is due now: arrival is even to a millisecond or two.
            "linger.ms": 1,
            "queue.buffering.max.messages": 500_000,
        }
    )
    failed = 0

    def delivered(error: object, _: object) -> None:
        nonlocal failed
        failed += error is not None

    made: Iterable[tuple[int, str, bytes]] = ((len(r.impressions), r.user_id, r.value()) for r in traffic.records())
    if traffic.ahead:
        made = list(made)
    producer.list_topics(IMPRESSIONS, START_SECONDS)
    pipe.send(None)
    count = impressions = 0
    behind = 0.0
    begun = time.monotonic()
    for number, user_id, value in made:
        due = begun + impressions / traffic.rate
        while (wait := due - time.monotonic()) > TICK_SECONDS and not stop.is_set():
            time.sleep(min(wait, LOOK_SECONDS))
        if stop.is_set():
            break
        behind = max(behind, -wait)
        while True:
            try:
                producer.produce(IMPRESSIONS, value, key=user_id, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(LOOK_SECONDS)
        producer.poll(0)
        count += 1
        impressions += number
    left = producer.flush(FLUSH_SECONDS)
    if left or failed:
        pipe.send(f"The broker did not accept the traffic: {left} records are left, {failed} failed.")
    else:
        pipe.send(Sent(count, impressions, behind))
