"""The pure parts of the fault harness: schedules of seeds, no failpoint forgotten, the merged report."""

import pickle
from concurrent.futures import Future
from pathlib import Path

import pytest

from streams.paths import project_path
from streams.runtime.failpoints import Failpoint
from tests.faults import cases as _declared  # noqa: F401 - declares the cases
from tests.faults import results
from tests.faults.__main__ import parsed, results_of, tasks
from tests.faults.case import CASES, SHOWN_BY, Case, Fault, quick
from tests.faults.results import Result, details, load_all, table
from tests.faults.rows_lost import TABLES
from tests.faults.run import Task
from tests.faults.schedule import HURTFUL, KINDS, draw
from tests.faults.stranger import Ending

SEEDS = range(200)


def test_a_seed_always_draws_the_same_schedule() -> None:
    assert all(draw(seed) == draw(seed) for seed in SEEDS)
    assert len({str(draw(seed)) for seed in SEEDS}) == len(SEEDS)


def test_faults_are_in_order_and_under_load() -> None:
    for schedule in map(draw, SEEDS):
        times = [step.at for step in schedule.steps]
        assert times == sorted(times)
        assert times[-1] < schedule.seconds


def test_seeds_reach_every_kind_of_fault_and_every_failpoint() -> None:
    steps = [step for seed in SEEDS for step in draw(seed).steps]
    assert {step.kind for step in steps} == set(KINDS)
    # No collector runs in a schedule: its load comes by Kafka.
    drawn = {each for each in Failpoint if not each.startswith("collector.")}
    assert {step.detail for step in steps if step.kind in ("failpoint", "cut")} == drawn
    assert {step.target for step in steps if step.kind == "drop"} == set(TABLES)
    assert {step.detail for step in steps if step.kind == "hurtful"} == set(HURTFUL)
    assert {step.detail for step in steps if step.kind == "transaction"} == set(Ending)


def test_each_failpoint_and_each_kind_of_fault_has_one_quick_case_or_a_test_that_shows_it() -> None:
    assert sorted([*(case.fault for case in quick(CASES.values())), *SHOWN_BY]) == sorted([*Failpoint, *Fault])
    for fault, shown_by in SHOWN_BY.items():
        file, _, test = shown_by.partition("::")
        assert f"def {test}(" in (project_path("tests/integration") / file).read_text(), fault


def test_worker_and_sink_are_killed_at_each_of_their_failpoints() -> None:
    killed = {case.name for case in quick(CASES.values())}
    ours = [each for each in Failpoint if not each.startswith("clickhouse.")]
    assert {f"{each.split('.')[0]} killed at {each}" for each in ours} <= killed


def test_the_first_case_of_a_fault_is_quick_wherever_it_is_declared() -> None:
    def declared(name: str, fault: Fault | Failpoint) -> Case:
        return Case(name, fault, "", lambda _system, _rng: None)

    first, longer = declared("first", Fault.BROKER_KILLED), declared("longer", Fault.BROKER_KILLED)
    assert quick([first, longer]) == [first]
    for fault in (Fault.RUBBISH, Failpoint.WORKER_DECODED):
        new = declared("new", fault)
        assert quick([first, longer, new]) == [first, new]


def test_every_case_and_every_seed_is_sent_to_a_process() -> None:
    sent = [pickle.loads(pickle.dumps(task)) for task in tasks(parsed(["--seeds", "2"]))]
    assert sorted(name for task in sent for name in task.cases) == sorted(CASES)
    assert [task.seed for task in sent if not task.cases] == [0, 1]


def test_a_system_that_did_not_run_is_a_failure() -> None:
    lost: Future[list[Result]] = Future()
    lost.set_exception(OSError("no memory"))
    (result,) = results_of(lost, Task("matrix 1"))
    assert (result.name, result.ok, result.why) == ("matrix 1", False, "OSError: no memory")


def test_every_case_has_a_description() -> None:
    assert all(case.what for case in CASES.values())


def test_results_of_many_runs_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    Result("broker killed", lines=1_000, impressions=9_000, restarts=1).save()
    Result("broker killed", lines=2_000, impressions=18_000, restarts=1, raw_excess={"ledger_raw": 7}).save()
    Result("seed 1", lines=10, impressions=20, faults=["a", "b"], restarts=3).save()
    Result("seed 2", ok=False, why="I1 ledger: 1 missing", faults=["a"]).save()
    Result("disk full", skipped=True, why="no right to mount").save()
    Result("control take", why="I1 impressions: 5 missing").save()
    rows = table(load_all()).splitlines()
    assert rows[2:] == [
        "| matrix | 1 | 2,000 | 18,000 | 1 | 1 | 0 |",
        "| random schedules | 2 | 10 | 20 | 3 | 3 | 1 |",
    ]
    said = details(load_all())
    assert "| broker killed | 2,000 | 18,000 | 1 | 7 | no difference |" in said
    assert "| disk full | 0 | 0 | 0 | 0 | not run: no right to mount |" in said
