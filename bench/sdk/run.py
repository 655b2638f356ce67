"""What the SDK costs its host, and how long its acknowledgements take: `python -m bench.sdk`."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.lib.broker import only_bench, running_broker
from bench.lib.figures import RESULTS, say, table
from bench.lib.figures import write as write_figures
from bench.sdk import acks, record
from streams.settings import Settings

COLUMNS = ("producer", "flushes/s", "P50 ms", "P95 ms", "P99 ms", "CPU µs a flush")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit code 0."""
    options = _parser().parse_args(argv)
    settings = Settings.load()
    with only_bench(settings), running_broker(settings, say) as ours:
        costs = [record.cost(ours, options.impressions) for _ in range(options.rounds)]
        found = acks.measure(ours, options.tasks, options.seconds, options.rounds)
    best = min(costs)
    say(f"record: {best.caller_us:.1f} µs of CPU in the caller's thread, {best.process_us:.1f} in the whole process")
    say(f"{options.tasks} tasks that each wait for an acknowledgement:")
    for line in table(COLUMNS, map(cells, found)):
        say(line)
    figures = {
        "record": [cost._asdict() for cost in costs],
        "tasks": options.tasks,
        "acks": [{**each._asdict(), "latency": asdict(each.latency)} for each in found],
    }
    say(f"figures: {write_figures('sdk', figures, options.results)}")
    return 0


def cells(of: acks.Acks) -> tuple[str, ...]:
    """Return a line of the table."""
    at = of.latency
    return (of.what, f"{of.rate:,.0f}", f"{at.p50:.1f}", f"{at.p95:.1f}", f"{at.p99:.1f}", f"{of.cpu_us:.0f}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("bench.sdk", description=__doc__)
    parser.add_argument("--impressions", type=int, default=50_000, metavar="N", help="impressions to record a round")
    parser.add_argument("--tasks", type=int, default=64, metavar="N", help="tasks that wait at once")
    parser.add_argument("--seconds", type=float, default=5.0, metavar="S", help="of each producer and round")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds over all producers")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER", help="where figures go, as JSON")
    return parser
