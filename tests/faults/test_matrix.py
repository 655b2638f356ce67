"""The quick half of the matrix: after each fault, readers see what the log says, and nothing else."""

from collections.abc import Iterator
from random import Random

import pytest

from tests.faults import cases as _declared  # noqa: F401 - declares the cases
from tests.faults.case import CASES, Case, run_case
from tests.faults.cases.disk import NotHereError
from tests.faults.run import CASE_SEED, TOGETHER
from tests.faults.system import System, fault_settings, running_system

pytestmark = pytest.mark.integration

QUICK = [each for each in CASES.values() if each.quick]
SHARED = [
    pytest.param(number // TOGETHER, each, id=each.name)
    for number, each in enumerate(each for each in QUICK if not each.own)
]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[System]:
    """One system for some cases after which it is as good as before; the parameter is their group's number."""
    with running_system(fault_settings(tmp_path_factory.mktemp(f"faults-{request.param}"))) as system:
        yield system


@pytest.mark.parametrize(("system", "case"), SHARED, indirect=["system"])
def test_nothing_lost_nothing_twice(system: System, case: Case) -> None:
    verdict = run_case(system, case, Random(f"{CASE_SEED} {case.name}"))
    assert verdict.ok, str(verdict)


@pytest.mark.parametrize("case", [pytest.param(each, id=each.name) for each in QUICK if each.own])
def test_nothing_lost_nothing_twice_alone(tmp_path_factory: pytest.TempPathFactory, case: Case) -> None:
    folder = tmp_path_factory.mktemp("fault")
    with running_system(fault_settings(folder, **case.settings)) as system:
        try:
            verdict = run_case(system, case, Random(f"{CASE_SEED} {case.name}"))
        except NotHereError as error:
            pytest.skip(str(error))
        assert verdict.ok, str(verdict)
