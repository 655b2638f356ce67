"""`make faults`: the whole matrix and random schedules; or one case, or one seed, again."""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from functools import partial

from streams.runtime import log
from tests.faults import cases as _declared  # noqa: F401 - declares the cases
from tests.faults.case import CASES, Case, quick
from tests.faults.results import KEPT, Result, details, load_all, table
from tests.faults.run import TOGETHER, Task, run_task

SEEDS = 60


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the options ask for; return 1 if anything failed."""
    options = parsed(argv)
    if options.report:
        print(table(load_all()), details(load_all()), sep="\n\n")
        return 0
    todo = tasks(options)
    failed: list[Result] = []
    with ProcessPoolExecutor(options.jobs, initializer=log.configure, initargs=("ERROR",)) as pool:
        running = {pool.submit(run_task, task, partial(print, flush=True)): task for task in todo}
        for number, done in enumerate(as_completed(running), 1):
            failed += [result for result in results_of(done, running[done]) if not result.ok]
            print(f"--- {number} of {len(todo)} systems done, {len(failed)} failures", flush=True)
    print(table(load_all()))
    for result in failed:
        print(f"{result.name} failed: {result.why.splitlines()[0]}\n  its data is in {KEPT}; again: {_again(result)}")
    return 1 if failed else 0


def results_of(done: Future[list[Result]], task: Task) -> list[Result]:
    """Return what a task led to. If it did not run at all, that is a failure of its own, and the others go on."""
    try:
        return done.result()
    except Exception as error:
        return [Result(task.name, False, f"{type(error).__name__}: {error}")]


def _again(result: Result) -> str:
    first, _, rest = result.name.partition(" ")
    return f"make faults SEED={rest}" if first == "seed" else f'make faults CASE="{result.name}"'


def tasks(options: argparse.Namespace) -> list[Task]:
    """Return what the options ask for, one task for each system."""
    if options.seed is not None:
        return [Task("seed", seed=options.seed)]
    if options.case:
        return _matrix([CASES[name] for name in options.case])
    chosen = [] if options.schedules_only else quick(CASES.values()) if options.quick else list(CASES.values())
    return [
        *_matrix(chosen),
        *(Task("seed", seed=seed) for seed in range(options.first, options.first + options.seeds)),
    ]


def _matrix(chosen: list[Case]) -> list[Task]:
    alone = [Task(case.name, (case.name,)) for case in chosen if case.own]
    shared = [case.name for case in chosen if not case.own]
    together = [tuple(shared[start : start + TOGETHER]) for start in range(0, len(shared), TOGETHER)]
    return [Task(f"matrix {number}", group) for number, group in enumerate(together)] + alone


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--case", action="append", choices=sorted(CASES), metavar="NAME", help="one case alone")
    parser.add_argument("--seed", type=int, help="one random schedule alone")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many random schedules (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="of the matrix only the quick cases")
    parser.add_argument("--schedules-only", action="store_true", help="leave the matrix out")
    parser.add_argument("--jobs", type=int, default=2, help="systems at the same time (%(default)s)")
    parser.add_argument("--report", action="store_true", help="run nothing; merge the results that there are")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
