"""The samples of one answer of a metrics endpoint, and what changed between two."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import inf, isfinite

from prometheus_client.parser import text_string_to_metric_families

# What worker and sink export of their own, and of their process. The rest, such as Faust's, is not shown.
PREFIXES = ("impressions_", "process_")
# Workers and sinks export some hundred; a topic of a thousand partitions, some ten thousand.
MOST = 100_000

Labels = tuple[tuple[str, str], ...]


class Samples:
    """Values by name and labels."""

    def __init__(self, values: Mapping[str, Mapping[Labels, float]]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's values with these labels; 0 without any."""
        return sum(value for _, value in self._with(name, labels))

    def most(self, name: str, **labels: str) -> float:
        """Return the greatest of a metric's values with these labels; 0 without any."""
        return max((value for _, value in self._with(name, labels)), default=0.0)

    def by(self, name: str, label: str, **labels: str) -> dict[str, float]:
        """Return the greatest value for each value of a label."""
        found: dict[str, float] = {}
        for has, value in self._with(name, labels):
            key = has.get(label, "")
            found[key] = max(value, found.get(key, -inf))
        return found

    def since(self, earlier: "Samples") -> "Samples":
        """Return how much each value has grown. A counter that has shrunk began again from 0."""
        grown: dict[str, dict[Labels, float]] = {}
        for name, values in self._values.items():
            before = earlier._values.get(name, {})
            grown[name] = {
                labels: value - old if value >= (old := before.get(labels, 0.0)) else value
                for labels, value in values.items()
            }
        return Samples(grown)

    def plus(self, other: "Samples") -> "Samples":
        """Return the sum of both, value by value."""
        summed = {name: dict(values) for name, values in self._values.items()}
        for name, values in other._values.items():
            into = summed.setdefault(name, {})
            for labels, value in values.items():
                into[labels] = into.get(labels, 0.0) + value
        return Samples(summed)

    def quantile(self, name: str, share: float, **labels: str) -> float | None:
        """Return the value below which a share of a histogram's observations lies; None without any.

        As Prometheus does, it takes observations to be spread evenly within a bucket; beyond the last bound, it returns
        that bound.
        """
        counts: dict[float, float] = {}
        for has, value in self._with(f"{name}_bucket", labels):
            bound = float(has["le"])
            counts[bound] = counts.get(bound, 0.0) + value
        wanted = share * counts.get(inf, 0.0)
        if not wanted:
            return None
        ordered = [(0.0, 0.0), *sorted(counts.items())]
        for (low, below), (high, up_to) in pairwise(ordered):
            if up_to >= wanted:
                return low if high == inf else low + (high - low) * (wanted - below) / (up_to - below)
        return None

    def _with(self, name: str, labels: Mapping[str, str]) -> Iterator[tuple[dict[str, str], float]]:
        for key, value in self._values.get(name, {}).items():
            has = dict(key)
            if all(has.get(label) == wanted for label, wanted in labels.items()):
                yield has, value


def plain(text: str) -> str:
    """Return a text without what could control a terminal."""
    return "".join(each if each.isprintable() else " " for each in text)


def parse(text: str) -> Samples:
    """Read an exposition in Prometheus's text format, its labels as plain text.

    Raises ValueError if it is none, or has too many samples.
    """
    values: dict[str, dict[Labels, float]] = {}
    count = 0
    for family in text_string_to_metric_families(text):
        if not family.name.startswith(PREFIXES):
            continue
        for sample in family.samples:
            count += 1
            if count > MOST:
                raise ValueError(f"more than {MOST} samples")
            if isfinite(sample.value):
                labels = tuple(sorted((name, plain(value)) for name, value in sample.labels.items()))
                values.setdefault(sample.name, {})[labels] = sample.value
    return Samples(values)
