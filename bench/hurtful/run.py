"""What records built to hurt cost the worker, and everybody else: `python -m bench.hurtful`.

A worker decides steady traffic. Into one of its partitions goes a record that is small on its way and large when
unpacked, or full of lines. Measured are the time until it is worked off, the worker's peak memory, and how long rows of
the other partitions take meanwhile: from append to a read_committed consumer.
"""

import argparse
import math
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from bench.lib import hurtful, worker
from bench.lib.broker import only_bench, running_broker, write
from bench.lib.figures import Quantiles, quantiles, say, table
from bench.lib.figures import write as write_figures
from bench.lib.follow import Arrivals, Follower
from bench.lib.traffic import Traffic, now_ms, sending
from streams.kafka.admin import watermarks
from streams.kafka.names import IMPRESSIONS
from streams.settings import Settings

RATE, SIZE = 1_700.0, 10
# The partition that gets the record.
HURT = 1
# Traffic before each record and after it (s).
CALM_SECONDS = 10.0
# The most that a record may take.
MOST_SECONDS = 120.0
COLUMNS = ("record", "worked off in s", "P95 of others ms", "P99 of others ms", "max ms", "rows", "worker's peak MiB")


class Outcome(NamedTuple):
    """What a record led to. `others` are latencies (ms) of the other partitions' rows until it was worked off."""

    record: str
    seconds: float
    others: Quantiles
    peak_mib: int


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit code 0."""
    options = _parser().parse_args(argv)
    settings = Settings.load()
    with only_bench(settings), running_broker(settings, say) as ours:
        write(ours, [])  # the catalogue, and no records
        worker.program(ours).start()
        worker.wait_ready(ours, out=say)
        follower = Follower(ours, coverage=False)
        try:
            outcomes = list(_outcomes(ours, follower, options.records or list(hurtful.RECORDS)))
        finally:
            follower.close()
    say("")
    for line in table(COLUMNS, map(cells, outcomes)):
        say(line)
    say("")
    say(f"figures: {write_figures('hurtful', {'records': [as_json(each) for each in outcomes]})}")
    return 0


def _outcomes(settings: Settings, follower: Follower, records: Sequence[str]) -> Iterator[Outcome]:
    # The first one without a record: also what runs in caches, and the broker's compiler.
    traffic = Traffic(RATE, 2 * CALM_SECONDS + (MOST_SECONDS + CALM_SECONDS) * len(records), SIZE, now_ms(), seed=0)
    with sending(settings, traffic) as sender:
        time.sleep(CALM_SECONDS)
        begun = now_ms()
        time.sleep(CALM_SECONDS)
        yield _outcome(settings, follower, "none", begun, now_ms())
        for name in records:
            begun = _send_and_wait(settings, name)
            yield _outcome(settings, follower, name, begun, now_ms())
            time.sleep(CALM_SECONDS)
        sender.stop()


def _send_and_wait(settings: Settings, record: str) -> int:
    """Return once a record is worked off, with the time (ms) at which it was sent."""
    codec, made = hurtful.RECORDS[record]
    value = made()
    begun = now_ms()
    hurtful.produce(settings, HURT, codec, value)
    behind = watermarks(settings, IMPRESSIONS, HURT)[1]
    worker.until(lambda: position(settings) >= behind, settings, (0,), MOST_SECONDS, f"{record} is worked off")
    return begun


def _outcome(settings: Settings, follower: Follower, record: str, begun: int, ended: int) -> Outcome:
    others = quantiles(latencies(follower.accepted, begun, ended))
    pid = worker.program(settings).pid
    assert pid is not None, "a worker that has ended is an error before this"
    outcome = Outcome(record, (ended - begun) / 1000, others, hurtful.peak_mib(pid))
    say(f"{record}: {outcome.seconds:.1f} s; others' P95 {others.p95:,.0f} ms; peak {outcome.peak_mib} MiB")
    return outcome


def latencies(arrivals: Arrivals, begun: float, ended: float) -> Iterator[float]:
    """Yield the latencies (ms) of rows of other partitions whose sources were appended in this time (ms)."""
    for at, appended, partition in zip(arrivals.at, arrivals.appended, arrivals.partition, strict=True):
        if begun <= appended < ended and partition != HURT:
            yield at - appended


def position(settings: Settings) -> float:
    """Return up to which offset the worker has decided the partition that gets the records."""
    found = re.search(
        rf'^impressions_worker_position\{{partition="{HURT}"\}} (\S+)$', worker.exposition(settings), re.M
    )
    return float(found[1]) if found else -math.inf


def cells(outcome: Outcome) -> tuple[str, ...]:
    """Return a row of the table."""
    others = outcome.others
    times = [f"{value:,.0f}" for value in (others.p95, others.p99, others.max)]
    return (outcome.record, f"{outcome.seconds:.1f}", *times, f"{others.count:,}", str(outcome.peak_mib))


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome's figures; times of others in ms."""
    return {**outcome._asdict(), "others": asdict(outcome.others)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.hurtful", description=__doc__)
    parser.add_argument(
        "--records", nargs="+", choices=hurtful.RECORDS, metavar="NAME", help="which records (all of bench.lib.hurtful)"
    )
    return parser
