"""The expected output, computed from the backlog alone by code that shares nothing with the systems measured."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from bench.lib.backlog import Record, Seen

WINDOW_MS = 600_000

Place = tuple[int, int]  # record and impression in it, both counted from 0
Rule = Callable[[Iterable[Record]], Iterator[tuple[Place, Seen]]]


def places(records: Iterable[Record]) -> Iterator[tuple[Place, Seen]]:
    """Yield every impression with its place in log order."""
    for number, record in enumerate(records):
        for index, seen in enumerate(record.impressions):
            yield (number, index), seen


def near(records: Iterable[Record]) -> Iterator[tuple[Place, Seen]]:
    """Return what the contract's rule 2 accepts: nothing less than a window from what was accepted before."""
    accepted: dict[tuple[int, int], list[int]] = {}
    for place, seen in places(records):
        times = accepted.setdefault((seen.user, seen.artwork), [])
        if all(abs(seen.seen_at - other) >= WINDOW_MS for other in times):
            times.append(seen.seen_at)
            yield place, seen


def tumbling(records: Iterable[Record]) -> Iterator[tuple[Place, Seen]]:
    """Return what a tumbling window accepts: the first of each window, however near to the last of the previous one."""
    taken = set()
    for place, seen in places(records):
        key = (seen.user, seen.artwork, seen.seen_at // WINDOW_MS)
        if key not in taken:
            taken.add(key)
            yield place, seen


def window_of(seen: Seen) -> Seen:
    """Replace an impression's time by its window, for a system that keeps any one impression of a window."""
    return seen._replace(seen_at=seen.seen_at // WINDOW_MS * WINDOW_MS)


@dataclass
class Comparison:
    """An output compared with the oracle's."""

    expected: int
    found: int
    missing: int
    extra: int
    """Rows that the oracle's output lacks; a row that came twice counts as extra too."""
    wrong_coverage: int
    """Users whose last count of artworks differs from the oracle's."""

    @property
    def equal(self) -> bool:
        """Whether nothing is lost or doubled. Coverage doesn't count here: every system is held to rule 2 alone."""
        return not self.missing and not self.extra


@dataclass
class Output:
    """What a system wrote to its output topic, in each partition's order."""

    partitions: dict[int, list[Seen]] = field(default_factory=dict)
    coverage: dict[int, int] = field(default_factory=dict)
    """The last count of artworks written for each user; empty for a system that writes none."""

    def windows(self) -> "Output":
        """Return the same with each impression's window in place of its time."""
        return Output({number: list(map(window_of, rows)) for number, rows in self.partitions.items()}, self.coverage)

    @property
    def count(self) -> int:
        """The number of rows in all."""
        return sum(map(len, self.partitions.values()))


def compare(expected: Iterable[Seen], output: Output) -> Comparison:
    """Compare as sets, and count rows that came more than once."""
    wanted = set(expected)
    seen = {} if not output.coverage else coverage(wanted)
    found = {seen for rows in output.partitions.values() for seen in rows}
    repeated = output.count - len(found)
    wrong = sum(output.coverage.get(user) != count for user, count in seen.items())
    return Comparison(len(wanted), output.count, len(wanted - found), len(found - wanted) + repeated, wrong)


def coverage(accepted: Iterable[Seen]) -> dict[int, int]:
    """Return how many artworks each user has seen."""
    pairs = {(seen.user, seen.artwork) for seen in accepted}
    return Counter(user for user, _ in pairs)


def slice_of(
    accepted: Iterable[tuple[Place, Seen]], where: dict[Seen, Place], partition: Callable[[int], int], output: Output
) -> list[Seen]:
    """Return what a stopped system must have written: everything up to the last row of each partition.

    `where` is the first place of everything in the backlog, `partition` the partition of a user. After the last row
    nothing is expected, since the system may have been about to write it. A row that is in no record is ignored here
    and counted by `compare`.
    """
    ends = {
        number: max((where[seen] for seen in rows if seen in where), default=(-1, -1))
        for number, rows in output.partitions.items()
    }
    return [seen for place, seen in accepted if place <= ends.get(partition(seen.user), (-1, -1))]


def first_places(records: Iterable[Record]) -> dict[Seen, Place]:
    """Return the first place of each impression."""
    where: dict[Seen, Place] = {}
    for place, seen in places(records):
        where.setdefault(seen, place)
    return where
