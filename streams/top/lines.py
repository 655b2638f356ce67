"""The same figures as lines, for pipes and logs: one a look, and one for each problem that begins or ends."""

import time
from collections.abc import Iterator

from streams.top.figures import Figures


class Lines:
    """Makes the lines of one look after another."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def of(self, figures: Figures) -> Iterator[str]:
        """Yield a look's lines, each with its time."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(figures.at))
        now = set(figures.problems)
        for problem in figures.problems:
            if problem not in self._known:
                yield f"{at} problem {problem}"
        for problem in sorted(self._known - now):
            yield f"{at} over {problem}"
        self._known = now
        yield f"{at} {' '.join(f'{name}={value}' for name, value in _values(figures))}"


def _values(figures: Figures) -> Iterator[tuple[str, str]]:
    """Yield names and values; what nobody says is left out."""
    yield "processes", f"{figures.answered}/{len(figures.processes)}"
    rates = {"received": figures.received[0], **{name: rate for name, (rate, _) in figures.outcomes.items()}}
    rates["clickhouse_errors"] = figures.errors
    for name, rate in rates.items():
        if rate is not None:
            yield f"{name}/s", f"{rate:.1f}"
    for kind in ("worker", "sink"):
        of_kind = [process for process in figures.processes if process.kind == kind]
        if of_kind:
            yield f"{kind}_lag", f"{max(process.lag for process in of_kind):.0f}"
            yield f"{kind}_lag_s", f"{max(process.lag_seconds for process in of_kind):.1f}"
    for name, (_, high) in (("decided", figures.decided), ("readable", figures.readable)):
        if high is not None:
            yield f"{name}_p95_s", f"{high:.3f}"
    for pool in figures.pools[:3]:
        if pool.coverage is not None:
            yield f"coverage_{pool.name}", f"{pool.coverage:.4f}"
    yield "problems", str(len(figures.problems))
