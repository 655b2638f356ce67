"""One system, killed twice while it works off a backlog: what is missing or doubled afterwards."""

import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from bench.lib import topics
from bench.lib.expected import Comparison
from bench.lib.measure import Measured, Sample, running
from bench.lib.systems import OURS, Out, System
from bench.lib.trial import READY_SECONDS, SLICE_FROM, SLOWEST_RATE, Backlog, read_output
from streams.kafka.admin import describe
from streams.kafka.names import IMPRESSIONS
from streams.settings import Settings

# When to kill it: shares of the input.
SHARES = (0.3, 0.65)
# If a system has decided something and then nothing for this long, it has nothing left to decide.
IDLE_SECONDS = 10.0
# A killed member's session lasts at most a minute, and so does its transaction.
RESUME_SECONDS = 300.0
ANSWER_SECONDS = 60.0
# By then the broker has received what a dead program's sockets held.
SETTLE_SECONDS = 0.2


@dataclass(frozen=True)
class Outcome:
    """What two kills did to a system's output."""

    system: System
    output: Comparison
    """Compared with the system's own rule, so only the kills' effect is counted."""
    killed_at: list[int] = field(default_factory=list)
    """Impressions already decided at each kill."""
    moved_after: list[float] = field(default_factory=list)
    """Seconds from each kill to the next record that readers of the output saw."""

    def as_json(self) -> dict[str, Any]:
        """Return the figures."""
        return {
            "system": self.system.name,
            "title": self.system.title,
            "guarantee": self.system.guarantee,
            "lost": self.output.missing,
            "doubled": self.output.extra,
            "wrong_coverage": self.output.wrong_coverage,
            "killed_at": self.killed_at,
            "moved_after_seconds": self.moved_after,
            "output": asdict(self.output),
        }


def measure(
    system: System, argv: Sequence[str], settings: Settings, backlog: Backlog, slice_seconds: float, out: Out
) -> Outcome:
    """Let a system work off the backlog, kill it twice and restart it at once; remove what it leaves behind.

    A system that is measured over a slice is killed after each third of it. Raises UserError if it ends by itself or
    takes too long.
    """
    topics.wait_quiet(settings)
    before = topics.topic_names(settings)
    if system.output not in before:
        topics.create_topic(settings, system.output, backlog.partitions)
    measured = system.program(settings, argv, backlog.partitions, backlog.size)
    lives = _Lives(system, measured, settings, backlog, slice_seconds, out)
    for share in SHARES:
        lives.live(share, killed=True)
    lives.live(1.0, killed=False)
    output = backlog.compare(system.rule, read_output(system, settings), system.whole)
    shutil.rmtree(system.state(settings), ignore_errors=True)
    topics.delete_topics(settings, topics.topic_names(settings) - before)
    return Outcome(system, output, lives.killed_at, lives.moved_after)


class _Lives:
    """The lives of one system."""

    def __init__(
        self, system: System, measured: Measured, settings: Settings, backlog: Backlog, slice_seconds: float, out: Out
    ) -> None:
        self._system, self._measured, self._settings = system, measured, settings
        self._backlog, self._slice_seconds, self._out = backlog, slice_seconds, out
        self.killed_at: list[int] = []
        self.moved_after: list[float] = []
        self._begins_at = 0
        self._killed = 0.0

    def live(self, share: float, killed: bool) -> None:
        """Run the system until this share of the input is decided; then kill it, or let it end."""
        patience = READY_SECONDS + RESUME_SECONDS + self._backlog.impressions / SLOWEST_RATE
        with running(self._measured, self._out) as run:
            if self.killed_at:
                with _reader(self._settings, _settled(self._settings, self._system.output)) as moved:
                    run.until(lambda _: moved(), RESUME_SECONDS, "output after the kill")
                self.moved_after.append(time.monotonic() - self._killed)
                self._out(f"  {self._system.name}: output moved {self.moved_after[-1]:.1f} s after the kill")
            run.until(self._done(share), patience, "its share decided")
            if not killed:
                if self._system.whole:
                    topics.wait_written(self._settings, self._system.output)
                return
            self._killed = time.monotonic()
            self._measured.program.kill()
        decided = self._begins_at + run.samples[-1].impressions
        self.killed_at.append(decided)
        self._out(f"  {self._system.name}: killed at {decided:,} impressions")
        self._begins_at = decided if self._system.name == OURS else _committed(self._settings, self._system.group)

    def _done(self, share: float) -> Callable[[Sequence[Sample]], bool]:
        if not self._system.whole:
            return lasted(self._slice_seconds / (len(SHARES) + 1))
        wanted = int(self._backlog.impressions * share) - self._begins_at
        return reached(wanted, idle=IDLE_SECONDS if share == 1.0 else math.inf)


def reached(wanted: int, idle: float) -> Callable[[Sequence[Sample]], bool]:
    """Return a condition: a life has decided that many impressions or, after some, none for `idle` seconds.

    The system may know what it decided just before it was killed when we don't: then fewer are left than wanted.
    """

    def done(samples: Sequence[Sample]) -> bool:
        if not samples:
            return False
        last = samples[-1]
        if last.impressions >= wanted:
            return True
        since = next(each.at for each in samples if each.impressions == last.impressions)
        return last.impressions > 0 and last.at - since > idle

    return done


def lasted(seconds: float) -> Callable[[Sequence[Sample]], bool]:
    """Return a condition: a system has been deciding for that long."""

    def done(samples: Sequence[Sample]) -> bool:
        first = next((each for each in samples if each.impressions > SLICE_FROM), None)
        return first is not None and samples[-1].at - first.at >= seconds

    return done


def _settled(settings: Settings, topic: str) -> list[TopicPartition]:
    """Return the offsets after everything that a killed program wrote to a topic, even what was still on its way.

    Runs while the program restarts, which takes much longer.
    """
    before, now = None, topics.ends(settings, topic)
    while before is None or [end.offset for end in before] != [end.offset for end in now]:
        time.sleep(SETTLE_SECONDS)
        before, now = now, topics.ends(settings, topic)
    return now


def _committed(settings: Settings, group: str) -> int:
    """Return how many records of the input are before a group's committed offsets."""
    with _consumer(settings, group) as consumer:
        asked = [TopicPartition(IMPRESSIONS, number) for number in range(describe(settings, IMPRESSIONS).partitions)]
        return sum(max(0, each.offset) for each in consumer.committed(asked, ANSWER_SECONDS))


@contextmanager
def _reader(settings: Settings, ends: list[TopicPartition]) -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether there is a committed record after `ends`."""
    with _consumer(settings, "bench: nothing is committed") as consumer:
        consumer.assign(ends)
        yield lambda: any(message.error() is None for message in consumer.consume(1, 0.0))


@contextmanager
def _consumer(settings: Settings, group: str) -> Iterator[Consumer]:
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "group.id": group,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "log_level": 2,
        }
    )
    try:
        yield consumer
    finally:
        consumer.close()
