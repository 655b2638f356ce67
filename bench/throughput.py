"""Throughput of one worker from a backlog, beside a textbook Faust agent, in one run: `python -m bench.throughput`."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench import report
from bench.backlog import SPAN_MS, records
from bench.broker import only_bench, running_broker, write
from bench.command import run
from bench.oracle import WINDOW_MS
from bench.systems import SYSTEMS, Backlog, Result
from streams.kafka.admin import describe
from streams.kafka.topics import IMPRESSIONS
from streams.settings import Settings

DEFAULT_IMPRESSIONS = 1_000_000
QUICK_IMPRESSIONS = 100_000
# Below this the steady state is a chunk or two, and a figure says nothing.
LEAST_IMPRESSIONS = 20_000
# The hour begins a minute before a window ends, so that the textbook's slice, some minutes long, holds a boundary.
LEAD_MS = 60_000


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit code: 0, or 1 when our output is not the oracle's."""
    options = _parser().parse_args(argv)
    impressions = options.impressions or (QUICK_IMPRESSIONS if options.quick else DEFAULT_IMPRESSIONS)
    settings = Settings.load()
    results: list[Result] = []
    with only_bench(settings):
        for size in options.sizes:
            results += _measure(settings, impressions, size, options.systems, options.quick)
    say("")
    for line in report.table(results):
        say(line)
    if options.json:
        options.json.write_text(json.dumps(report.as_json(results, impressions), indent=1) + "\n")
    return 0 if all(each.output.equal for each in results if each.system == "ours") else 1


def _measure(settings: Settings, impressions: int, size: int, systems: Sequence[str], quick: bool) -> list[Result]:
    """Measure the systems one after the other on one backlog: on a broker, empty but for it, that they share."""
    with running_broker(settings, say) as ours:
        begun = time.monotonic()
        start = start_of(int(time.time() * 1000))
        made = list(records(impressions, size, start))
        count = write(ours, made)
        backlog = Backlog(made, size, impressions, describe(ours, IMPRESSIONS).partitions)
        say(f"backlog: {impressions:,} impressions in {count:,} records, {time.monotonic() - begun:.0f} s")
        results = []
        for name in systems:
            result = SYSTEMS[name](ours, backlog, say, quick)
            say(f"{name}: {result.steady.rate:,.0f} impressions/s, output equals the oracle: {report.verdict(result)}")
            results.append(result)
    return results


def start_of(now: int) -> int:
    """Return where event time begins (ms): the same place in its window in every run, none of it in the future."""
    return (now // WINDOW_MS - 1) * WINDOW_MS - SPAN_MS - LEAD_MS


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.throughput", description=__doc__)
    parser.add_argument("--impressions", type=_count, help=f"default {DEFAULT_IMPRESSIONS:,}")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_IMPRESSIONS:,}, and a shorter textbook slice")
    parser.add_argument("--systems", type=_names, default=list(SYSTEMS), help="ours,textbook")
    parser.add_argument("--sizes", type=_sizes, default=[1, 10], help="impressions a record: 1,10")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < LEAST_IMPRESSIONS:
        raise argparse.ArgumentTypeError(f"a whole number from {LEAST_IMPRESSIONS:,} on")
    return int(text)


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - SYSTEMS.keys():
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: there are {', '.join(SYSTEMS)}")
    return names


def _sizes(text: str) -> list[int]:
    sizes = text.split(",")
    if not all(each.isdecimal() and 0 < int(each) <= 200 for each in sizes):
        raise argparse.ArgumentTypeError("whole numbers from 1 to 200, with commas between")
    return [int(each) for each in sizes]


if __name__ == "__main__":
    run(main)
