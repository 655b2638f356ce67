"""The browser matrix; some of it with --engine, --group or --only; two runs with --compare."""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from threading import Lock

from bench.lib.figures import RESULTS
from demo.progress import progress
from demo.screen import console, is_lively, line_printer
from streams.runtime import log
from streams.settings import Settings
from tests.browsers import matrix, results
from tests.browsers.results import Result, Run
from tests.browsers.scenario import ALL, Scenario, chosen, load_all
from tests.browsers.subjects import RECORDER, SUBJECTS, Subject
from tests.browsers.trackers.subjects import declare_trackers
from tests.support import leftovers

Say = Callable[[str], None]
Todo = Mapping[str, Sequence[Scenario]]
NOTHING = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Play what the options ask for; return 1 if our recorder did something unexpected, 2 if nothing can be played.

    Raises UserError for what a user can mend, as a program that is missing.
    """
    scenarios = load_all()
    declare_trackers()
    options, say = parsed(argv, scenarios), line_printer(console())
    if options.compare:
        return compare(options.compare[0], options.compare[1], say)
    log.configure("ERROR")
    # Browsers that outlive this process, however it ends, are killed.
    leftovers.watch()
    here, missing = matrix.present(options.engine or ALL)
    for name, why in missing.items():
        say(f"{name} is left out: {why}")
    found = {engine: wanted(options, scenarios.values(), engine) for engine in here}
    todo = {engine: some for engine, some in found.items() if some}
    if not todo:
        say("There is nothing to play.")
        return NOTHING
    subject, settings = SUBJECTS[options.subject], Settings.load()
    run = Run(subject.name, subject.version, {name: here[name] for name in todo})
    try:
        with matrix.alone(settings):
            play(run, options, subject, todo, settings, say)
    finally:
        # Also of what was played before something went wrong.
        if run.results:
            say(f"results: {run.save(folder(options, settings, missing))}")
    return 1 if subject is RECORDER and not all(each.ok or each.skipped for each in run.results) else 0


def play(run: Run, options: argparse.Namespace, subject: Subject, todo: Todo, settings: Settings, say: Say) -> None:
    """Play scenarios on each engine; put each result into the run, and say what it is."""
    if subject.prepare is not None:
        subject.prepare(say)
    screen, total, one_by_one = console(), sum(map(len, todo.values())), Lock()
    tell = line_printer(screen)
    with (
        matrix.running(settings, len(todo), with_stack=subject.stub is None) as running,
        progress(screen, "scenarios") if is_lively(screen) else nullcontext(_nothing) as update,
    ):

        def done(result: Result) -> None:
            with one_by_one:
                run.results.append(result)
                tell(line(result) if is_lively(screen) else f"{len(run.results):3} of {total}: {line(result)}")
                update(len(run.results), total)

        matrix.play_all(running, subject, todo, options.jobs, done)


def _nothing(_: int, __: int) -> None:
    """Do nothing: without a terminal, each result's line is progress enough."""


def line(result: Result) -> str:
    """Return what a result is, in a line."""
    what = f"{result.engine:8} {result.scenario}"
    if result.skipped:
        return f"{what}: not run: {result.why}"
    counts = f"{result.recorded} recorded, {result.lost} lost, {result.double} double, {result.sends} sent"
    return f"{what}: {'as expected' if result.ok else 'WRONG: ' + result.why} ({counts}, {result.seconds} s)"


def wanted(options: argparse.Namespace, scenarios: Iterable[Scenario], engine: str) -> list[Scenario]:
    """Return an engine's scenarios, by the options."""
    some = [each for each in scenarios if not options.only or each.name in options.only]
    return chosen(some, engine, options.subject, options.group or (), options.quick)


def folder(options: argparse.Namespace, settings: Settings, missing: Mapping[str, str]) -> Path:
    """Return where results go: those of some scenarios or engines are no evidence, and stay beside the data."""
    if options.results is not None:
        return Path(options.results)
    some = options.engine or options.group or options.only or options.quick or missing
    return settings.data_dir.resolve() / "browsers" / "results" if some else RESULTS


def compare(one: Path, other: Path, say: Say) -> int:
    """Say what differs between two runs; return 1 if anything does."""
    found = results.differences(results.load(one).results, results.load(other).results)
    for each in found or ["Both runs have the same result."]:
        say(each)
    return 1 if found else 0


def parsed(argv: Sequence[str] | None, scenarios: Mapping[str, Scenario]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.browsers", description=__doc__)
    named = sorted({each.group for each in scenarios.values()})
    parser.add_argument("--engine", action="append", choices=ALL, help="just this engine (may be given again)")
    parser.add_argument("--group", action="append", choices=named, help="just this group (may be given again)")
    parser.add_argument("--only", action="append", choices=sorted(scenarios), metavar="NAME", help="just this scenario")
    parser.add_argument("--quick", action="store_true", help="only what runs with all tests")
    parser.add_argument(
        "--subject", choices=sorted(SUBJECTS), default=RECORDER.name, help="what is tried (%(default)s)"
    )
    parser.add_argument("--results", type=Path, help="folder of the results; default: bench/results if all was played")
    parser.add_argument("--jobs", type=int, default=1, help="engines at the same time (%(default)s)")
    parser.add_argument("--compare", nargs=2, type=Path, metavar="FILE", help="play nothing; compare two results")
    return parser.parse_args(argv)
