"""Results of runs: one file for each subject, a result for each scenario and engine."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FILE = "browsers-{}.json"


@dataclass
class Result:
    """What a scenario led to on an engine."""

    scenario: str
    group: str
    engine: str
    subject: str
    ok: bool = False
    why: str = ""
    """Why not, or why it was not run."""
    skipped: bool = False
    recorded: int = 0
    arrived: int = 0
    lost: int = 0
    double: int = 0
    sends: int = 0
    """Impressions that arrived at the server, resends included."""
    requests: int = 0
    transports: dict[str, int] = field(default_factory=dict)
    """Flushes that arrived, by what they say about their transport."""
    seconds: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)
    """What the scenario found out besides."""
    what: str = ""
    """What happens in it, where it comes from, and why something else than 0 is expected."""
    source: str = ""
    reason: str = ""
    expected_lost: tuple[int, int] = (0, 0)
    """At least, at most."""

    @property
    def key(self) -> tuple[str, str]:
        """Return what identifies it among the results of a subject."""
        return self.scenario, self.engine


@dataclass
class Run:
    """A run of many scenarios on one subject."""

    subject: str
    version: str
    engines: dict[str, str]
    """The version of each engine's browser."""
    results: list[Result] = field(default_factory=list)

    def save(self, folder: Path) -> Path:
        """Write it; results of scenarios and engines that it did not play stay as they are."""
        path = folder / FILE.format(self.subject)
        folder.mkdir(parents=True, exist_ok=True)
        kept = load(path) if path.exists() else Run(self.subject, self.version, {})
        mine = {each.key for each in self.results}
        merged = [each for each in kept.results if each.key not in mine] + self.results
        engines = {**kept.engines, **self.engines}
        whole = Run(self.subject, self.version, engines, sorted(merged, key=lambda each: (each.group, each.key)))
        path.write_text(json.dumps(asdict(whole), indent=1) + "\n")
        return path


def load(path: Path) -> Run:
    """Return a run that was saved."""
    found = json.loads(path.read_text())
    results = [Result(**{**each, "expected_lost": tuple(each["expected_lost"])}) for each in found["results"]]
    return Run(**{**found, "results": results})


def differences(one: Iterable[Result], other: Iterable[Result]) -> list[str]:
    """Return a sentence for each scenario whose outcome differs between two runs."""
    first, second = ({each.key: each for each in run if not each.skipped} for run in (one, other))
    found = []
    for key in sorted({*first, *second}):
        name = f"{key[0]} on {key[1]}"
        if key not in first or key not in second:
            found.append(f"{name}: only in {'the first' if key in first else 'the second'} run")
            continue
        was, now = ((each.recorded, each.lost, each.double, each.ok) for each in (first[key], second[key]))
        if was != now:
            found.append(f"{name}: recorded, lost, double and right were {was}, and are {now}")
    return found
