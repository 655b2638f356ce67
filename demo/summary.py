"""What the demo has found out: rows with what was expected, what came, and whether that is right."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from math import isclose
from typing import Any, NamedTuple

from demo.faults import counted
from demo.figures import LATENCY, UNBALANCED, Figures
from oracle import Difference

# The KPI page's target (ms).
LATENCY_TARGET = 100.0
# Sums of the same shares in another order differ in their last digits.
SAME = 1e-9
OUTCOMES = {
    "lines": "lines, each a flush of a user",
    "received": "impressions in them",
    "accepted": "  accepted",
    "fresh": "    fresh: new to the user",
    "duplicates": "  duplicates, dropped",
    "rejected": "  rejected",
    "forwarded": "  forwarded to their partition",
}
REASONS = {
    "late": "old, and seen before",
    "future": "ahead of the clock",
    "malformed": "not JSON",
    "invalid": "a field is wrong",
    "oversize": "too large",
}


class Verdict(Enum):
    """What a row says: as expected, not as expected, or slower than the target, which is this machine's fault."""

    RIGHT = "right"
    WRONG = "wrong"
    SLOW = "slow"


class Row(NamedTuple):
    """What was counted, with both values as text."""

    name: str
    expected: str
    found: str
    verdict: Verdict


class Section(NamedTuple):
    """Rows that belong together."""

    title: str
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything that the demo reports at its end."""

    seed: int
    impressions: int
    injected: Mapping[str, int]
    worker_kills: int
    sent: int
    """Records, of which `acknowledged` were."""
    acknowledged: int
    acknowledged_p95_ms: float
    expected: Figures
    found: Figures
    comparisons: Sequence[Difference]
    invariants: Mapping[str, int]
    seconds: Mapping[str, float]

    @property
    def faults(self) -> list[tuple[str, int, str]]:
        """Return what was done to the log: what, how often, and what must come of it."""
        return counted(self.injected, self.worker_kills)

    @property
    def outcomes(self) -> Section:
        """Return what became of the impressions."""
        expected, found = self.expected, self.found
        rows = []
        for field, name in OUTCOMES.items():
            rows.append(_count(name, getattr(expected.counts, field), getattr(found.counts, field)))
            if field == "rejected":
                both = dict.fromkeys([*REASONS, *expected.rejected, *found.rejected])
                rows += [
                    _count(f"    {reason}: {REASONS.get(reason, '?')}", expected.rejected.get(reason, 0), number)
                    for reason in both
                    if (number := found.rejected.get(reason, 0)) or expected.rejected.get(reason)
                ]
        return Section("What became of them", rows)

    @property
    def tables(self) -> Section:
        """Return how many rows the tables have; a row is wrong if any value of any of them is."""
        rows = [
            Row(each.what, f"{each.expected:,}", f"{each.actual:,}", _right(not each.found))
            for each in self.comparisons
        ]
        return Section("Tables, compared row by row", rows)

    @property
    def never(self) -> Section:
        """Return what there must be none of. What is a KPI too is only shown as such."""
        counts = {"records not acknowledged": self.sent - self.acknowledged, **self.invariants}
        return Section(
            "What there must be none of", [_count(name, 0, n) for name, n in counts.items() if name != UNBALANCED]
        )

    @property
    def kpis(self) -> Section:
        """Return the KPIs of the view `kpis` beside what the recount makes of their definitions."""
        rows = [_kpi(name, value, self.found.kpis.get(name)) for name, value in self.expected.kpis.items()]
        latency = self.found.kpis.get(LATENCY)
        verdict = Verdict.WRONG if latency is None else Verdict.RIGHT if latency < LATENCY_TARGET else Verdict.SLOW
        text = "none" if latency is None else f"{latency:,.0f} ms"
        return Section("KPIs", [*rows, Row(LATENCY, f"< {LATENCY_TARGET:.0f} ms", text, verdict)])

    @property
    def sections(self) -> tuple[Section, ...]:
        """Return all rows."""
        return self.outcomes, self.tables, self.never, self.kpis

    @property
    def slow(self) -> bool:
        """Return whether this machine took longer than the target."""
        return any(row.verdict is Verdict.SLOW for row in self.kpis.rows)

    @property
    def problems(self) -> list[str]:
        """Return a sentence for each problem, with examples; empty if everything is right."""
        sentences = []
        for each in self.comparisons:
            if each.found:
                sentences.append(f"{each.what}: {each.rows} rows differ from the recount.")
                sentences += [f"  {text}" for text in each.examples]
        if number := self.invariants.get(UNBALANCED):
            sentences.append(f"{UNBALANCED}: 0 expected, {number:,} found.")
        wrong = [row for each in (self.outcomes, self.never, self.kpis) for row in each.rows]
        return sentences + [
            f"{row.name.strip()}: {row.expected} expected, {row.found} found."
            for row in wrong
            if row.verdict is Verdict.WRONG
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the summary as JSON values."""
        return {
            "seed": self.seed,
            "impressions_in_log": self.impressions,
            "injected": dict(self.injected),
            "worker_kills": self.worker_kills,
            "records": {"sent": self.sent, "acknowledged": self.acknowledged, "p95_ms": self.acknowledged_p95_ms},
            "expected": _as_json(self.expected),
            "found": _as_json(self.found),
            "comparisons": [_difference(each) for each in self.comparisons],
            "invariants": dict(self.invariants),
            "seconds": dict(self.seconds),
            "ok": not self.problems,
        }


def _count(name: str, expected: int, found: int) -> Row:
    return Row(name, f"{expected:,}", f"{found:,}", _right(expected == found))


def _kpi(name: str, expected: float | None, found: float | None) -> Row:
    """Return a row of shares, or of a number of lines; with all digits if they differ in one that isn't shown."""
    same = expected == found or (
        expected is not None and found is not None and isclose(expected, found, rel_tol=SAME, abs_tol=SAME)
    )
    wanted, came = _value(name, expected), _value(name, found)
    if not same and wanted == came:
        wanted, came = repr(expected), repr(found)
    return Row(name, wanted, came, _right(same))


def _value(name: str, value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:,.0f}" if name == UNBALANCED else f"{value:.1%}"


def _right(right: bool) -> Verdict:
    return Verdict.RIGHT if right else Verdict.WRONG


def _as_json(figures: Figures) -> dict[str, Any]:
    return {**asdict(figures), "counts": figures.counts._asdict()}


def _difference(comparison: Difference) -> dict[str, Any]:
    return {
        "table": comparison.what,
        "expected": comparison.expected,
        "found": comparison.actual,
        "missing": comparison.missing,
        "unexpected": comparison.extra - comparison.repeated,
        "repeated": comparison.repeated,
        "different": comparison.wrong,
        "examples": comparison.examples,
        "differences": comparison.rows,
    }
