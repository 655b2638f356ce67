"""Run cases and seeds, each on a system in its own folder; the folder of a failed run is kept."""

import shutil
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NamedTuple

from oracle import Verdict
from tests.faults import cases as _declared  # noqa: F401 - declares the cases
from tests.faults.case import CASES, Case, run_case
from tests.faults.cases.disk import NotHereError
from tests.faults.player import Player
from tests.faults.results import FOLDER, KEPT, Result, slug
from tests.faults.schedule import draw
from tests.faults.system import System, fault_settings, running_system

Out = Callable[[str], None]
# Cases draw details (which hit, how many) from this seed and their name.
CASE_SEED = 4
# The number of cases that share a system: enough to save most starts, few enough to keep the log short.
TOGETHER = 8


class Totals(NamedTuple):
    """What a system has processed so far; a result has what its run added."""

    lines: int
    impressions: int
    restarts: int
    excess: dict[str, int]


NOTHING = Totals(0, 0, 0, {})


@dataclass(frozen=True)
class Task:
    """What one system is started for: a seed, or cases, by name, that can share a system. Sent to another process."""

    name: str
    cases: tuple[str, ...] = ()
    seed: int | None = None


def run_task(task: Task, out: Out) -> list[Result]:
    """Run a task to its end; save and print each result. A failed run ends its system and keeps its folder."""
    if task.seed is not None:
        return [_run_seed(task.seed, out)]
    results: list[Result] = []
    left = [CASES[name] for name in task.cases]
    while left:
        more = _run_cases(task.name, left, out)
        results += more
        left = left[len(more) :]
    return results


def _run_seed(seed: int, out: Out) -> Result:
    schedule, result = draw(seed), Result(f"seed {seed}")
    with (
        _folder(result.name, [result]) as folder,
        _saved(result, out),
        running_system(fault_settings(folder)) as system,
    ):
        player = Player(system, schedule)
        result.faults = player.played
        _note(result, system, player.run(), NOTHING)
    return result


def _run_cases(name: str, cases: Sequence[Case], out: Out) -> list[Result]:
    """Run cases until one fails."""
    results: list[Result] = []
    with _folder(name, results) as folder, ExitStack() as systems:
        system, before = None, NOTHING
        for case in cases:
            result = Result(case.name)
            results.append(result)
            with _saved(result, out):
                system = system or systems.enter_context(
                    running_system(fault_settings(folder, **case.settings), bare=case.bare)
                )
                before = _note(result, system, run_case(system, case, Random(f"{CASE_SEED} {case.name}")), before)
            if not result.ok:
                break
    return results


def _note(result: Result, system: System, verdict: Verdict, before: Totals) -> Totals:
    """Put into the result what a run has added to `before`. Raises AssertionError if an invariant is broken."""
    now = Totals(verdict.lines, verdict.impressions, system.keeper.restarts, verdict.raw_excess)
    result.lines, result.impressions = now.lines - before.lines, now.impressions - before.impressions
    result.restarts = now.restarts - before.restarts
    result.raw_excess = {table: max(0, rows - before.excess.get(table, 0)) for table, rows in now.excess.items()}
    result.differences = len(verdict.differences)
    assert verdict.ok, str(verdict)
    return now


@contextmanager
def _saved(result: Result, out: Out) -> Iterator[None]:
    """Save and print the outcome of the body; an exception becomes the result."""
    begun = time.monotonic()
    try:
        yield
    except NotHereError as error:
        result.skipped, result.why = True, str(error)
    except Exception as error:
        result.ok, result.why = False, str(error)[:2_000] or type(error).__name__
        out("".join(traceback.format_exception(error)))
    result.seconds = round(time.monotonic() - begun, 1)
    result.save()
    said = "not run" if result.skipped else "no difference" if result.ok else "FAILED"
    out(
        f"{result.name}: {said} ({result.lines:,} lines, {result.impressions:,} impressions, "
        f"{result.restarts} restarts, {result.seconds} s)"
    )


@contextmanager
def _folder(name: str, results: Sequence[Result]) -> Iterator[Path]:
    """Yield a folder for a system; keep it with its logs, topics and tables if one of the results is a failure."""
    folder = FOLDER / "run" / slug(name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield folder
    if all(result.ok for result in results):
        shutil.rmtree(folder)
        return
    KEPT.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(KEPT / folder.name, ignore_errors=True)
    folder.rename(KEPT / folder.name)
