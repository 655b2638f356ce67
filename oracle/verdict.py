"""What a check found: each kind of difference with its counts and a few examples."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_EXAMPLES = 3
# The longest value in an example.
MOST_LETTERS = 80


@dataclass
class Difference:
    """What is wrong in one view, table or partition. `str` returns one line."""

    invariant: str
    what: str
    missing: int = 0
    extra: int = 0
    wrong: int = 0
    examples: list[str] = field(default_factory=list)
    # If rows were compared: how many are expected, how many exist, and how many are extra because they are repeated.
    expected: int = 0
    actual: int = 0
    repeated: int = 0

    @property
    def found(self) -> bool:
        """Return whether there is a difference."""
        return self.rows > 0

    @property
    def rows(self) -> int:
        """Return how many rows are wrong in any way."""
        return self.missing + self.extra + self.wrong

    def example(self, text: str) -> None:
        """Keep the example unless there are enough already."""
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append(text)

    def __str__(self) -> str:
        counts = f"{self.missing} missing, {self.extra} extra, {self.wrong} wrong"
        return f"{self.invariant} {self.what}: {counts}" + (f" ({'; '.join(self.examples)})" if self.examples else "")


@dataclass
class Verdict:
    """What was judged and what was found. `impressions` counts a forwarded impression only where it was judged."""

    differences: list[Difference]
    lines: int
    impressions: int
    accepted: int
    duplicates: int
    rejected: int
    forwarded: int
    raw_excess: dict[str, int]

    @property
    def ok(self) -> bool:
        """Return whether every invariant held."""
        return not self.differences

    def __str__(self) -> str:
        head = (
            f"{self.lines} lines, {self.impressions} impressions: {self.accepted} accepted, {self.duplicates} "
            f"duplicates, {self.rejected} rejected; {self.forwarded} forwarded; {len(self.differences)} differences"
        )
        return "\n".join([head, *map(str, self.differences)])


def compare(
    invariant: str,
    what: str,
    columns: Sequence[str],
    key: int,
    expected: Iterable[Sequence[Any]],
    actual: Iterable[Sequence[Any]],
) -> Difference:
    """Compare rows with the expected ones. The first `key` columns identify a row; a repeated row is extra.

    A repeated key among the expected rows is the caller's mistake: ValueError.
    """
    difference = Difference(invariant, what)
    awaited: dict[tuple[Any, ...], Sequence[Any]] = {}
    for row in expected:
        if awaited.setdefault(tuple(row[:key]), row) is not row:
            raise ValueError(f"{what}: {tuple(row[:key])} is expected twice")
    met: Counter[tuple[Any, ...]] = Counter()
    for row in actual:
        place = tuple(row[:key])
        met[place] += 1
        right = awaited.get(place)
        if right is None or met[place] > 1:
            difference.extra += 1
            difference.repeated += right is not None
            difference.example(f"extra {_coordinates(columns, row, key)}")
        elif tuple(row) != tuple(right):
            difference.wrong += 1
            difference.example(f"wrong {_coordinates(columns, row, key)} {_unequal(columns, right, row)}")
    for place, row in awaited.items():
        if place not in met:
            difference.missing += 1
            difference.example(f"missing {_coordinates(columns, row, key)}")
    difference.expected, difference.actual = len(awaited), met.total()
    return difference


# Columns that, besides the key, show where the row came from.
_WHERE = ("user_id", "source_partition", "source_offset", "line", "idx")


def _coordinates(columns: Sequence[str], row: Sequence[Any], key: int) -> str:
    shown = [*range(key), *(columns.index(name) for name in _WHERE if name in columns and columns.index(name) >= key)]
    return " ".join(f"{columns[n]}={row[n]}" for n in shown)


def _unequal(columns: Sequence[str], right: Sequence[Any], row: Sequence[Any]) -> str:
    pairs = zip(columns, right, row, strict=True)
    return ", ".join(
        f"{name} {_short(found)}, not {_short(awaited)}" for name, awaited, found in pairs if awaited != found
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MOST_LETTERS else text[:MOST_LETTERS] + "..."
