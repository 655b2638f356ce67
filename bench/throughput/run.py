"""Throughput on a backlog, our worker and its peers in one run: `python -m bench.throughput`."""

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.lib import figures
from bench.lib.backlog import SPAN_MS, records
from bench.lib.broker import only_bench, running_broker, write
from bench.lib.expected import WINDOW_MS
from bench.lib.figures import say
from bench.lib.systems import OURS, QUICK, SYSTEMS, System
from bench.lib.trial import Backlog, Result, measure
from bench.throughput import report
from streams.kafka.admin import describe
from streams.kafka.names import IMPRESSIONS
from streams.settings import Settings

DEFAULT_IMPRESSIONS = 1_000_000
QUICK_IMPRESSIONS = 200_000
# Below this, the steady state is a chunk or two, and a figure means nothing.
LEAST_IMPRESSIONS = 20_000
SIZES = [1, 10]
SLICE_SECONDS = 60.0
QUICK_SLICE_SECONDS = 10.0
# The hour begins a minute before a window ends, so a slice of some minutes includes a boundary.
LEAD_MS = 60_000

# How to start each system, by name.
Prepared = Mapping[str, Sequence[str]]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit code: 0, or 1 if our output differs from the oracle's."""
    options = with_json(parser("bench.throughput", __doc__ or "")).parse_args(argv)
    settings = Settings.load()
    with only_bench(settings):
        results = throughput(settings, options)
    say("")
    for line in report.table(report.rows(results)):
        say(line)
    if options.json:
        figures.write(options.json.stem, report.as_json(results, impressions_of(options)), options.json.parent)
    return code(results)


def throughput(settings: Settings, options: argparse.Namespace) -> list[Result]:
    """Measure every system at every size, as often as `options` say, and print each figure at once.

    Each round measures all of them before the next begins, and every second round goes backwards: a noisy minute of the
    machine then affects one measurement of a system and not all.
    """
    impressions = impressions_of(options)
    names: list[str] = options.systems or (QUICK if options.quick else list(SYSTEMS))
    prepared = prepare(settings, [SYSTEMS[name] for name in names])
    start = start_of(int(time.time() * 1000))
    results: list[Result] = []
    for turn in range(options.repeats):
        for size in options.sizes:
            order = names if turn % 2 == 0 else names[::-1]
            with running_broker(settings, say) as ours:
                backlog = fill(ours, impressions, size, start)
                for name in order:
                    seconds = QUICK_SLICE_SECONDS if options.quick else SLICE_SECONDS
                    result = measure(SYSTEMS[name], prepared[name], ours, backlog, seconds, say)
                    say(report.sentence(result))
                    results.append(result)
    return results


def prepare(settings: Settings, systems: Sequence[System]) -> Prepared:
    """Set up what is missing, and return how to start each system. Raises UserError if it can't be set up."""
    return {system.name: system.prepare(settings, say) for system in systems}


def fill(settings: Settings, impressions: int, size: int, start: int) -> Backlog:
    """Write the backlog, whose event time begins at `start` (ms), to the bench's broker."""
    begun = time.monotonic()
    made = list(records(impressions, size, start))
    count = write(settings, made)
    say(f"backlog: {impressions:,} impressions in {count:,} records, {time.monotonic() - begun:.0f} s")
    return Backlog(made, size, impressions, describe(settings, IMPRESSIONS).partitions)


def code(results: Sequence[Result]) -> int:
    """Return the exit code: 1 if our output or our coverage differs from the oracle's."""
    outputs = [each.output for each in results if each.system.name == OURS]
    return 0 if all(each and each.equal and not each.wrong_coverage for each in outputs) else 1


def start_of(now: int) -> int:
    """Return where event time begins (ms): at the same place in a window in every run, and none of it in the future."""
    return (now // WINDOW_MS - 1) * WINDOW_MS - SPAN_MS - LEAD_MS


def impressions_of(options: argparse.Namespace) -> int:
    """Return how many impressions a backlog holds."""
    asked: int | None = options.impressions
    return asked or (QUICK_IMPRESSIONS if options.quick else DEFAULT_IMPRESSIONS)


def parser(name: str, text: str) -> argparse.ArgumentParser:
    """Return a parser of the options that the benchmarks of a backlog share."""
    made = argparse.ArgumentParser(prog=name, description=text)
    made.add_argument("--impressions", type=_count, help=f"default {DEFAULT_IMPRESSIONS:,}")
    made.add_argument("--quick", action="store_true", help=f"{QUICK_IMPRESSIONS:,}, few systems, a shorter slice")
    made.add_argument("--systems", type=_names, help=f"default all, with --quick a few: {','.join(SYSTEMS)}")
    made.add_argument("--sizes", type=_sizes, default=SIZES, help="impressions a record: 1,10")
    made.add_argument("--repeats", type=_repeats, default=1, help="measurements of each; the table has medians")
    return made


def with_json(options: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the option of a benchmark that runs alone."""
    options.add_argument("--json", type=Path, metavar="FILE.json", help="write the figures there too")
    return options


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


def _repeats(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 9:
        raise argparse.ArgumentTypeError("a whole number from 1 to 9")
    return int(text)
