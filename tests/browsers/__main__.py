"""`make browsers`: the browser matrix; some of it with --engine, --group or --only; two runs with --compare."""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from threading import Lock

from streams.errors import UserError
from streams.runtime import log
from streams.settings import Settings
from tests.browsers import matrix, results
from tests.browsers.machine import MissingError
from tests.browsers.results import Result, Run
from tests.browsers.scenario import ALL, Scenario, chosen, load_all
from tests.browsers.subjects import SUBJECTS, Subject
from tests.browsers.trackers.subjects import declare_trackers
from tests.support import leftovers


def main(argv: Sequence[str] | None = None) -> int:
    """Play what the options ask for; return 1 if a scenario did not go as expected, 2 if nothing could be played."""
    scenarios = load_all()
    declare_trackers()
    options = parsed(argv, scenarios)
    if options.compare:
        return compare(*options.compare)
    log.configure("ERROR")
    leftovers.watch()
    here, missing = matrix.present(options.engine or ALL)
    for name, why in missing.items():
        print(f"{name} is left out: {why}")
    subject = SUBJECTS[options.subject]
    todo = {engine: wanted(options, scenarios.values(), engine) for engine in here}
    todo = {engine: some for engine, some in todo.items() if some}
    if not todo:
        print("There is nothing to play.")
        return 2
    try:
        run = played(options, subject, todo, here)
    except (UserError, MissingError) as error:
        print(error)
        return 2
    print(f"results: {run.save(options.results)}")
    return 0 if all(each.ok or each.skipped for each in run.results) else 1


def played(
    options: argparse.Namespace, subject: Subject, todo: dict[str, list[Scenario]], versions: dict[str, str]
) -> Run:
    """Play scenarios on each engine."""
    total, number, printing = sum(map(len, todo.values())), 0, Lock()

    def done(result: Result) -> None:
        nonlocal number
        with printing:
            number += 1
            print(f"[{number:3}/{total}] {line(result)}", flush=True)

    run = Run(subject.name, subject.version, {name: versions[name] for name in todo})
    if subject.prepare is not None:
        subject.prepare(print)
    with matrix.running(Settings.load(), len(todo), with_stack=subject.stub is None) as running:
        run.results = matrix.play_all(running, subject, todo, options.jobs, done)
    return run


def line(result: Result) -> str:
    """Return what a result is, in a line."""
    what = f"{result.engine:8} {result.scenario}"
    if result.skipped:
        return f"{what}: not run: {result.why}"
    counts = f"{result.recorded} recorded, {result.lost} lost, {result.double} double, {result.sends} sent"
    return f"{what}: {'as expected' if result.ok else 'WRONG: ' + result.why} ({counts}, {result.seconds} s)"


def wanted(options: argparse.Namespace, scenarios: Iterable[Scenario], engine: str) -> list[Scenario]:
    """Return an engine's scenarios, by the options."""
    if options.only:
        scenarios = [each for each in scenarios if each.name in options.only]
    return chosen(scenarios, engine, options.subject, options.group or (), options.quick)


def compare(one: Path, other: Path) -> int:
    """Print what differs between two runs; return 1 if anything does."""
    found = results.differences(results.load(one).results, results.load(other).results)
    print("\n".join(found) or "both runs have the same result")
    return 1 if found else 0


def parsed(argv: Sequence[str] | None, scenarios: Mapping[str, Scenario]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.browsers", description=__doc__)
    groups = sorted({each.group for each in scenarios.values()})
    parser.add_argument("--engine", action="append", choices=ALL, help="just this engine (may be given again)")
    parser.add_argument("--group", action="append", choices=groups, help="just this group (may be given again)")
    parser.add_argument("--only", action="append", choices=sorted(scenarios), metavar="NAME", help="just this scenario")
    parser.add_argument("--quick", action="store_true", help="only what runs with all tests")
    parser.add_argument("--subject", choices=sorted(SUBJECTS), default="recorder", help="what is tried (%(default)s)")
    parser.add_argument("--results", type=Path, default=Path(".local/browsers"), help="where results go (%(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="engines at the same time (%(default)s)")
    parser.add_argument("--compare", nargs=2, type=Path, metavar="FILE", help="play nothing; compare two results")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
