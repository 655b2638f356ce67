"""Two lists of rows that should be the same, compared row for row."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
# Enough to see what is wrong, few enough to read.
EXAMPLES = 3
# Of a value in an example; a payload may be a mebibyte.
EXAMPLE_WIDTH = 80


@dataclass(slots=True)
class Comparison:
    """How a table compares with the recount; `examples` has a sentence for each of the first differences."""

    table: str
    expected: int
    found: int
    missing: int = 0
    unexpected: int = 0
    repeated: int = 0
    different: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def differences(self) -> int:
        """Rows that are not as they must be."""
        return self.missing + self.unexpected + self.repeated + self.different


def compare_rows(table: str, expected: Iterable[Row], found: Iterable[Row], key: Sequence[str]) -> Comparison:
    """Compare rows that `key` identifies. A key that occurs twice in `found` is a repeated row."""
    wanted = {identity(row, key): row for row in expected}
    rows = list(found)
    counts = Counter(identity(row, key) for row in rows)
    comparison = Comparison(table, len(wanted), len(rows))
    there = {identity(row, key): row for row in rows}
    for name, row in wanted.items():
        if name not in there:
            comparison.missing += 1
            example(comparison, f"{_show(name)} is missing")
        elif there[name] != row:
            comparison.different += 1
            example(comparison, f"{_show(name)}: {_columns_that_differ(row, there[name])}")
    for name, count in counts.items():
        if name not in wanted:
            comparison.unexpected += count
            example(comparison, f"{_show(name)} should not be there")
        elif count > 1:
            comparison.repeated += count - 1
            example(comparison, f"{_show(name)} is there {count} times")
    return comparison


def identity(row: Row, key: Sequence[str]) -> tuple[Any, ...]:
    """Return the values that identify a row."""
    return tuple(row[column] for column in key)


def example(comparison: Comparison, text: str) -> None:
    """Keep the text if it is among the first."""
    if len(comparison.examples) < EXAMPLES:
        comparison.examples.append(text)


def _columns_that_differ(expected: Row, found: Row) -> str:
    names = sorted(expected.keys() | found.keys())
    return ", ".join(
        f"{name} is {_show(found.get(name))}, recounted {_show(expected.get(name))}"
        for name in names
        if found.get(name) != expected.get(name)
    )


def _show(value: object) -> str:
    text = "/".join(map(str, value)) if isinstance(value, tuple) else repr(value)
    return text if len(text) <= EXAMPLE_WIDTH else text[:EXAMPLE_WIDTH] + "..."
