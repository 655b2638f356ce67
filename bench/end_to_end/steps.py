"""The search for the highest rate that is held: double it until one is not held, then search in between."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median
from typing import Protocol

from streams.errors import UserError

# If readable rows are this much further behind (s) at a step's end than at its start, and the lag grew throughout, the
# rate is not held.
GROWN_SECONDS = 1.0
# Two rates that differ by less than a twentieth can't be told apart on a shared machine.
CLOSE = 1.05
# If a record was sent later than this (s), the sender itself did not hold the rate.
SENDER_BEHIND_SECONDS = 1.0


class Tried(Protocol):
    """A rate that was tried."""

    @property
    def rate(self) -> float:
        """The rate."""

    @property
    def held(self) -> bool:
        """Whether it was held."""


@dataclass(frozen=True, slots=True)
class Step:
    """A rate, and whether it was held. `ages`: how far readable rows were behind, in each third of the step (s)."""

    rate: float
    ages: tuple[float, float, float]
    sender_behind: float
    cpu: dict[str, float]
    """Cores used, by program."""

    @property
    def sent(self) -> bool:
        """Whether the bench could send at that rate at all."""
        return self.sender_behind < SENDER_BEHIND_SECONDS

    @property
    def held(self) -> bool:
        """Whether everything kept up."""
        return self.sent and not grows(self.ages)


def thirds(ages: Sequence[float]) -> tuple[float, float, float]:
    """Return the median of each third of a step. Raises UserError for fewer than three."""
    if len(ages) < 3:
        raise UserError("A step was too short to see whether its lag grows: give it more --step-seconds.")
    size = len(ages) // 3
    return median(ages[:size]), median(ages[size : 2 * size]), median(ages[2 * size :])


def grows(ages: tuple[float, float, float]) -> bool:
    """Whether the lag grew throughout the step."""
    first, second, third = ages
    return first < second < third and third - first > GROWN_SECONDS


def next_rate(steps: Sequence[Tried], base: float) -> float | None:
    """Return the rate to try next, given that `base` was held; None once the highest is known closely enough."""
    held = max((step.rate for step in steps if step.held), default=base)
    failed = min((step.rate for step in steps if not step.held), default=None)
    if failed is None:
        return 2 * held
    return sqrt(held * failed) if failed / held > CLOSE else None
