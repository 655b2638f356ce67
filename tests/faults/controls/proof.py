"""Prove that the harness finds a mistake: no difference without the fault, and the expected one with it."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from oracle import Difference, Verdict
from streams.runtime.failpoints import Failpoint
from tests.faults.results import Result
from tests.faults.system import Commands, System, fault_settings, running_system
from tests.support.load import USUAL, Raw, Shape, at_home, flush, impression, now_ms, produce

# Once work from after the fault has arrived, anything that takes longer than this (s) will not arrive.
SETTLED_SECONDS = 5.0
SEED = 4
# Records per second: low, because a program with a mistake may be slow too.
RATE = 40.0
# The number of impressions in a flush that is to be lost.
LOST = 10
# The number of differences that are quoted.
QUOTED = 3


class Control:
    """A running system with a mistake. `states`: whether its worker keeps state as ours does (I4)."""

    def __init__(self, system: System, shape: Shape, states: bool) -> None:
        self.system = system
        self._rng = Random(SEED)
        self._shape, self._states = shape, states
        self.verdict: Verdict | None = None
        self.found: list[Difference] = []

    def assert_right(self) -> None:
        """Let impressions flow, and find no difference: so the fault causes any later one."""
        self._flow()
        self.catch_up()
        _, found = self._judge()
        assert not found, "\n".join(map(str, found))

    def catch_up(self) -> None:
        """Return once everything that was produced has arrived."""
        self.system.catch_up()

    def judge(self) -> None:
        """Heal, let impressions flow after the fault, and record the differences."""
        self.system.heal()
        self._flow()
        self.system.oracle.wait(SETTLED_SECONDS, self.system.keeper.check)
        self.verdict, self.found = self._judge()
        sys.stdout.writelines(f"{each}\n" for each in self.found)

    def die_at(self, failpoint: Failpoint, name: str, flush: Raw, hit: int = 1) -> None:
        """Kill a process at a failpoint that the flush reaches, without any other load; then judge."""
        fired = self.system.arm(failpoint, name, hit=hit)
        self.produce(flush)
        self.system.wait_fired(fired)
        self.judge()

    def difference(self, invariant: str, what: str) -> Difference:
        """Return the difference that was found there, or one with all counts 0."""
        found = [each for each in self.found if each.invariant == invariant and each.what.startswith(what)]
        return found[0] if found else Difference(invariant, what)

    def produce(self, *records: Raw) -> None:
        """Produce the records; return once the broker has all of them."""
        produce(self.system.settings, records)

    def result(self, name: str, ok: bool, seconds: float) -> Result:
        """Return the result to report: `ok` says that the control failed as it must."""
        result = Result(f"control {name}", ok, "; ".join(map(str, self.found[:QUOTED])), round(seconds, 1))
        if self.verdict is not None:
            result.lines, result.impressions = self.verdict.lines, self.verdict.impressions
        result.differences, result.restarts = len(self.found), self.system.keeper.restarts
        return result

    def _flow(self) -> None:
        with self.system.traffic(self._rng, self._shape, RATE):
            pass

    def _judge(self) -> tuple[Verdict, list[Difference]]:
        verdict = self.system.oracle.check(self.system.states() if self._states else [])
        return verdict, [each for each in verdict.differences if self._states or each.invariant != "I4"]


@contextmanager
def control(
    name: str, folder: Path, commands: Commands, shape: Shape = USUAL, states: bool = True
) -> Iterator[Control]:
    """Run a system with a mistake, first without the fault; save whether the body's assertions held."""
    started, held = time.monotonic(), False
    with running_system(fault_settings(folder), commands) as system:
        proof = Control(system, shape, states)
        try:
            proof.assert_right()
            yield proof
            held = True
        finally:
            proof.result(name, held, time.monotonic() - started).save()


def lost_flush(user: str, impressions: int = LOST) -> Raw:
    """Return a flush that is to be lost, in its user's partition; each impression has another artwork."""
    return at_home(user, flush(user, [impression(f"a{number:04d}", now_ms()) for number in range(impressions)]))
