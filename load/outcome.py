"""What a run has shown: one record a run, from the ledger, the verdict and the machine."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.lib.figures import Quantiles, quantiles
from load.check import Verdict
from load.machine import Used
from load.received import Packing
from load.users.ledger import Ledger
from load.users.plan import Plan

# A generator whose calls were later than this (ms) has measured itself.
LATEST_MS = 1_000
TARGET_MS = 100.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """All times in ms. `recording`: from when a flush was due to its 202; `seen`: from an impression to its 202."""

    users: int
    impressions: int
    seconds: float
    recording: Quantiles
    seen: Quantiles
    shown: dict[str, Quantiles]
    """By what was waited for, as `seen to coverage`; empty without a read API."""
    requests: dict[str, int]
    """Answers by status."""
    happened: dict[str, int]
    packing: Packing
    impressions_a_flush: float
    sent_again: int
    """How often a flush was in a request beyond its first: retries, and double sends on purpose."""
    used: dict[str, Used]
    verdict: Verdict
    events: list[str] = field(default_factory=list)
    """Kills and restarts, one sentence each."""

    @property
    def per_minute(self) -> float:
        """The rate: impressions a minute."""
        return self.impressions / self.seconds * 60

    @property
    def late(self) -> bool:
        """Whether the generator itself was too late to have measured anything else."""
        return self.happened.get("late at the most, ms", 0) > LATEST_MS

    @property
    def held(self) -> bool:
        """Whether recording held its target, with everything there."""
        return self.recording.p95 < TARGET_MS and self.verdict.right and not self.late

    def as_json(self) -> dict[str, Any]:
        """Return it as values of JSON."""
        verdict = {**asdict(self.verdict), "right": self.verdict.right, "balanced": self.verdict.balanced}
        packing = {**asdict(self.packing), "flushes_a_record": self.packing.flushes_a_record}
        return {
            **asdict(self),
            "verdict": verdict,
            "packing": packing,
            "per_minute": self.per_minute,
            "held": self.held,
        }


def outcome(plan: Plan, ledger: Ledger, verdict: Verdict, packing: Packing, used: dict[str, Used]) -> Outcome:
    """Put an outcome together."""
    flushes = list(ledger.flushes())
    acked = [each for each in flushes if each.acked]
    seen = ((flushes[each.flush].acked, each.seen_at / 1000) for each in ledger.impressions())
    return Outcome(
        users=plan.users,
        impressions=ledger.recorded,
        seconds=plan.seconds,
        recording=_ms(each.acked - each.due for each in acked),
        seen=_ms(acknowledged - at for acknowledged, at in seen if acknowledged),
        shown={name: _ms(values) for name, values in sorted(ledger.watched.items())},
        requests=dict(sorted(ledger.statuses.items())),
        happened=dict(sorted(ledger.happened.items())),
        packing=packing,
        impressions_a_flush=ledger.recorded / max(1, ledger.flushed),
        sent_again=sum(max(0, each.attempts - 1) for each in flushes),
        used=used,
        verdict=verdict,
    )


def _ms(seconds: Iterable[float]) -> Quantiles:
    return quantiles(1000 * each for each in seconds)
