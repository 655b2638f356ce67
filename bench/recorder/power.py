"""How many users an A/B test of the recorder's settings needs to show a difference."""

from dataclasses import dataclass
from math import ceil
from statistics import NormalDist, fmean, pstdev
from typing import Any

from bench.recorder.model import cell
from bench.recorder.settings import Setting
from bench.recorder.viewers import GALLERY, sessions

ALPHA, POWER = 0.05, 0.8
FREE, PRO = Setting(200, 5.0), Setting(200, 1.0)
SESSIONS = 1_000


@dataclass(frozen=True, slots=True)
class Question:
    """What a test would ask: a metric by user, its mean and standard deviation, and the difference to be shown."""

    metric: str
    mean: float
    deviation: float
    difference: float
    """Absolute."""

    @property
    def users(self) -> int:
        """Return the users that each arm needs: a two-sided test of two means, of a fixed size."""
        z = NormalDist().inv_cdf(1 - ALPHA / 2) + NormalDist().inv_cdf(POWER)
        return ceil(2 * (z * self.deviation / self.difference) ** 2)


def share(metric: str, mean: float, difference: float) -> Question:
    """Return the question for a share of users."""
    return Question(metric, mean, (mean * (1 - mean)) ** 0.5, difference)


def questions() -> list[dict[str, Any]]:
    """Return the questions with the users an arm that they need; spreads between sessions are the model's."""
    visits = list(sessions(GALLERY, SESSIONS))
    seen = [len(visit.recorded) for visit in visits]
    free, pro = cell(FREE, GALLERY, visits), cell(PRO, GALLERY, visits)
    mean, spread = fmean(seen), pstdev(seen)
    asked = [
        Question("impressions a session: does the flush change what people see?", mean, spread, 0.01 * mean),
        Question("impressions a session, 5 % instead of 1 %", mean, spread, 0.05 * mean),
        Question(
            "impressions at risk at an exit, 5 s beside 1 s (known from the model)",
            fmean(free.at_risk),
            pstdev(free.at_risk),
            fmean(free.at_risk) - fmean(pro.at_risk),
        ),
        share("users with something that only their next visit brought, 1 % beside 0.8 %", 0.01, 0.002),
        share("users with something that never came, 0.1 % beside 0.08 %", 0.001, 0.0002),
        share("users who come back within a week, 30 % beside 30.5 %", 0.3, 0.005),
    ]
    return [
        {
            "metric": each.metric,
            "mean": each.mean,
            "deviation": each.deviation,
            "difference": each.difference,
            "users": each.users,
        }
        for each in asked
    ]
