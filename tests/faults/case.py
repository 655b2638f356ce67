"""A case of the matrix: a fault from a running load."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from oracle import Verdict
from tests.faults.system import System
from tests.support.load import USUAL, Shape

Act = Callable[[System, Random], None]


@dataclass(frozen=True)
class Case:
    """A fault, by name. `act` returns once the fault is over or can be healed; the load flows meanwhile."""

    name: str
    what: str
    act: Act
    quick: bool = True
    """Part of the quick half, which runs with all other tests."""
    own: bool = False
    """Leaves the log or the state such that no other case should follow: it gets a system of its own."""
    calm: bool = False
    """Makes the load that it needs by itself."""
    shape: Shape = USUAL
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of a system of its own."""


CASES: dict[str, Case] = {}


def case(name: str, **more: Any) -> Callable[[Act], Act]:
    """Declare a function as a case; its docstring says what happens."""

    def declare(act: Act) -> Act:
        declare_case(name, act, **more)
        return act

    return declare


def declare_case(name: str, act: Act, what: str = "", **more: Any) -> None:
    """Declare a case."""
    assert name not in CASES, name
    CASES[name] = Case(name, what or (act.__doc__ or "").strip().split("\n")[0], act, **more)


def run_case(system: System, case_: Case, rng: Random) -> Verdict:
    """Run a case on a system that is well. Raises AssertionError when it doesn't catch up (I5) or a program ends."""
    if case_.calm:
        case_.act(system, rng)
    else:
        with system.traffic(rng, case_.shape):
            case_.act(system, rng)
            system.heal()
            # It goes on under load, not only once it has peace.
            system.flows()
    return system.verdict()
