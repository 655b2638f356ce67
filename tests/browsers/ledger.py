"""The ledger: what pages recorded, held against what readers see."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Key(NamedTuple):
    """An impression, as the stream counts it."""

    user: str
    artwork: str


@dataclass
class Ledger:
    """What was recorded in a scenario."""

    recorded: set[Key] = field(default_factory=set)
    possible: set[Key] = field(default_factory=set)
    """Impressions of which nobody knows whether they were recorded before the page died."""

    def note(self, user: str, artwork: str) -> None:
        """An impression was recorded."""
        self.recorded.add(Key(user, artwork))

    def compare(self, rows: Mapping[tuple[str, str], int]) -> "Verdict":
        """Return what became of it; `rows` are those that readers see of each (user, artwork)."""
        seen = Counter({Key(*key): count for key, count in rows.items()})
        return Verdict(
            recorded=len(self.recorded),
            arrived=sum(1 for key in self.recorded if seen[key]),
            lost=sorted(key for key in self.recorded if not seen[key]),
            double=sum(count - 1 for count in seen.values() if count > 1),
            strange=sorted(key for key in seen if key not in self.recorded | self.possible),
        )


@dataclass(frozen=True)
class Verdict:
    """What became of what was recorded."""

    recorded: int
    arrived: int
    lost: list[Key]
    double: int
    strange: list[Key]
    """Rows of what nobody recorded."""


def kept(ids: Sequence[str]) -> int:
    """Return how many of an impression's arrivals a vendor keeps who drops those with an id that it has; "" is none."""
    return len(set(ids)) if all(ids) else len(ids)
