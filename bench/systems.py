"""The two systems: how each is run, which part of its run counts, and what its output is held to."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench import textbook
from bench.backlog import Record, user_id
from bench.broker import HOST, create_topic, read
from bench.measure import Program, Sample, Steady, running, steady
from bench.oracle import Comparison, Rule, compare, first_places, near, slice_of, tumbling
from streams.core.partition import partition_of
from streams.embedded.components import environment
from streams.embedded.ports import Address, free_pair
from streams.kafka.topics import ACCEPTED
from streams.settings import Settings

# The first twentieth is the start: connections, first fetches, empty caches.
STEADY_FROM = 0.05
READY_SECONDS = 120.0
# The slowest worth waiting for, far below what is measured on a laptop.
SLOWEST_RATE = 2_000
# Faust's first seconds hold an election and a rebalance.
TEXTBOOK_WARM_UP = 2_000
TEXTBOOK_SECONDS = 60.0
TEXTBOOK_QUICK_SECONDS = 20.0

Out = Callable[[str], None]


@dataclass(frozen=True)
class Backlog:
    """What lies on the topic: `size` impressions a record, on average."""

    records: Sequence[Record]
    size: int
    impressions: int
    partitions: int


@dataclass(frozen=True)
class Result:
    """A system's figures on one backlog."""

    system: str
    size: int
    steady: Steady
    output: Comparison
    """Against rule 2."""
    own_rule: Comparison | None = None
    """Against the rule that the system has instead, where it has another."""

    def as_json(self) -> dict[str, Any]:
        """The figures, derived ones included."""
        derived = {"rate": self.steady.rate, "cpu_seconds_per_million": self.steady.cpu_per_million}
        return {**asdict(self), **derived, "output_equal": self.output.equal}


def ours(settings: Settings, backlog: Backlog, out: Out, quick: bool) -> Result:
    """Measure one worker over the whole backlog, from 5 % of it to its end. `quick` changes nothing here."""
    program = Program(
        name="worker-0",
        argv=[sys.executable, "-m", "streams", "worker", "--index", "0"],
        environment=environment(settings),
        metrics=Address(settings.metrics_host, settings.metrics_port),
        counter="impressions_worker_impressions_total",
    )
    total = backlog.impressions
    with running(program, settings, out) as run:
        run.until(_reached(1), READY_SECONDS, "the first impressions decided")
        run.until(_reached(total), READY_SECONDS + total / SLOWEST_RATE, "all impressions decided")
    expected = (seen for _, seen in near(backlog.records))
    return Result(
        system="ours",
        size=backlog.size,
        steady=steady(run.samples, int(total * STEADY_FROM), total),
        output=compare(expected, read(settings, ACCEPTED)),
    )


def book(settings: Settings, backlog: Backlog, out: Out, quick: bool) -> Result:
    """Measure the textbook app over a slice: a minute of its steady state, a third of one when `quick`.

    The whole backlog would take it a quarter of an hour. Its output is held to rule 2, and to the tumbling window
    that it has instead.
    """
    create_topic(settings, textbook.OUTPUT, backlog.partitions)
    port = free_pair()
    program = Program(
        name="textbook",
        argv=[sys.executable, "-m", "bench.textbook", "worker"],
        environment={
            "TEXTBOOK_BOOTSTRAP": settings.kafka_bootstrap,
            "TEXTBOOK_FOLDER": str(settings.data_dir / "textbook"),
            "TEXTBOOK_METRICS_PORT": str(port),
            "TEXTBOOK_PARTITIONS": str(backlog.partitions),
        },
        metrics=Address(HOST, port),
        counter=f"{textbook.PROCESSED}_total",
    )
    seconds = TEXTBOOK_QUICK_SECONDS if quick else TEXTBOOK_SECONDS
    first = min(TEXTBOOK_WARM_UP, int(backlog.impressions * STEADY_FROM))

    def measured(samples: Sequence[Sample]) -> bool:
        begin = next(each for each in samples if each.impressions >= first)
        return samples[-1].at - begin.at >= seconds or samples[-1].impressions >= backlog.impressions

    with running(program, settings, out) as run:
        run.until(_reached(first), READY_SECONDS, f"the first {first} impressions processed")
        run.until(measured, seconds + READY_SECONDS, "the slice processed")
        last = run.samples[-1].impressions
    output = read(settings, textbook.OUTPUT)
    where = first_places(backlog.records)

    def compared(rule: Rule) -> Comparison:
        return compare(slice_of(rule(backlog.records), where, _partition(backlog.partitions), output), output)

    return Result("textbook", backlog.size, steady(run.samples, first, last), compared(near), compared(tumbling))


def _reached(impressions: int) -> Callable[[Sequence[Sample]], bool]:
    return lambda samples: bool(samples) and samples[-1].impressions >= impressions


def _partition(partitions: int) -> Callable[[int], int]:
    return lambda user: partition_of(user_id(user), partitions)


SYSTEMS = {"ours": ours, "textbook": book}
