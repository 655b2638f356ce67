"""The quick cases of the matrix: after each fault, readers see exactly what the log says."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random

import pytest

from tests.faults import cases as _declared  # noqa: F401 - declares the cases
from tests.faults.case import CASES, Case, quick, run_case
from tests.faults.cases.disk import NotHereError
from tests.faults.run import CASE_SEED, TOGETHER
from tests.faults.system import System, fault_settings, running_system

pytestmark = pytest.mark.integration

QUICK = quick(CASES.values())
SHARED = [
    # tests/support/workers.py keeps the cases of a system together, by this name.
    pytest.param(system := number // TOGETHER, each, id=f"system {system}: {each.name}")
    for number, each in enumerate(each for each in QUICK if not each.own)
]
OWN = [pytest.param(each, id=each.name) for each in QUICK if each.own]


class Shared:
    """One system at a time, by number, for cases that leave it intact."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders, self._running = folders, ExitStack()
        self._found: tuple[int, System] | None = None

    @contextmanager
    def system(self, number: int) -> Iterator[System]:
        """Yield the system of that number; its first case starts it. If the body raises, the next one restarts it."""
        if self._found is None or self._found[0] != number:
            self.close()
            folder = self._folders.mktemp(f"faults-{number}-")
            self._found = number, self._running.enter_context(running_system(fault_settings(folder)))
        try:
            yield self._found[1]
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the running system."""
        self._found = None
        self._running.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """Not a parametrized fixture: pytest would restart it for each case."""
    shared = Shared(tmp_path_factory)
    yield shared
    shared.close()


@pytest.mark.parametrize(("number", "case"), SHARED)
def test_nothing_lost_nothing_twice(shared: Shared, number: int, case: Case) -> None:
    with shared.system(number) as system:
        verdict = run_case(system, case, Random(f"{CASE_SEED} {case.name}"))
        assert verdict.ok, str(verdict)


@pytest.mark.parametrize("case", OWN)
def test_nothing_lost_nothing_twice_alone(tmp_path_factory: pytest.TempPathFactory, case: Case) -> None:
    folder = tmp_path_factory.mktemp("fault")
    with running_system(fault_settings(folder, **case.settings), bare=case.bare) as system:
        try:
            verdict = run_case(system, case, Random(f"{CASE_SEED} {case.name}"))
        except NotHereError as error:
            pytest.skip(str(error))
        assert verdict.ok, str(verdict)
