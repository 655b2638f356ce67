"""The search for the highest rate that is held: doubled until one is not, then in between."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

from streams.errors import UserError

# The readable is this much further behind (s) at a step's end than at its begin, and ever further: it is not held.
GROWN_SECONDS = 1.0
# Two rates that differ by less than a twentieth are the same one on a machine that is shared.
CLOSE = 1.05
# Later than this (s) the sender itself did not hold the rate.
SENDER_BEHIND_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """A rate, and whether it was held. `ages`: how far the readable was behind, in each third of the step (s)."""

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
    """The median of each third of a step. Raises UserError for fewer than three."""
    if len(ages) < 3:
        raise UserError("A step was too short to see whether its lag grows: give it more --step-seconds.")
    size = len(ages) // 3
    return median(ages[:size]), median(ages[size : 2 * size]), median(ages[2 * size :])


def grows(ages: tuple[float, float, float]) -> bool:
    """Whether the lag grew for the whole step."""
    first, second, third = ages
    return first < second < third and third - first > GROWN_SECONDS


def next_rate(steps: Sequence[Step], base: float) -> float | None:
    """The rate to try next, `base` having been held; None when the highest one is known closely enough."""
    held = max((step.rate for step in steps if step.held), default=base)
    failed = min((step.rate for step in steps if not step.held), default=None)
    if failed is None:
        return 2 * held
    return sqrt(held * failed) if failed / held > CLOSE else None
