"""What must come out, worked out from the backlog alone, in code that shares nothing with the systems measured."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from bench.backlog import Record, Seen

WINDOW_MS = 600_000

Place = tuple[int, int]  # record and impression in it, both counted from 0
Rule = Callable[[Iterable[Record]], Iterator[tuple[Place, Seen]]]


def places(records: Iterable[Record]) -> Iterator[tuple[Place, Seen]]:
    """Every impression with its place in log order."""
    for number, record in enumerate(records):
        for index, seen in enumerate(record.impressions):
            yield (number, index), seen


def near(records: Iterable[Record]) -> Iterator[tuple[Place, Seen]]:
    """What the contract's rule 2 accepts: nothing less than a window from what was accepted before."""
    accepted: dict[tuple[int, int], list[int]] = {}
    for place, seen in places(records):
        times = accepted.setdefault((seen.user, seen.artwork), [])
        if all(abs(seen.seen_at - other) >= WINDOW_MS for other in times):
            times.append(seen.seen_at)
            yield place, seen


def tumbling(records: Iterable[Record]) -> Iterator[tuple[Place, Seen]]:
    """What a tumbling window accepts: the first of each window, however near it is to the last of the one before."""
    taken = set()
    for place, seen in places(records):
        key = (seen.user, seen.artwork, seen.seen_at // WINDOW_MS)
        if key not in taken:
            taken.add(key)
            yield place, seen


@dataclass
class Comparison:
    """An output beside the oracle's."""

    expected: int
    found: int
    missing: int
    extra: int
    """Not in the oracle's; one that came twice counts as extra too."""

    @property
    def equal(self) -> bool:
        """Neither a loss nor a duplicate."""
        return not self.missing and not self.extra


@dataclass
class Output:
    """What a system wrote to its output topic, in the order of each partition."""

    partitions: dict[int, list[Seen]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many rows in all."""
        return sum(map(len, self.partitions.values()))


def compare(expected: Iterable[Seen], output: Output) -> Comparison:
    """Compare as sets, and count what came more than once."""
    wanted = set(expected)
    found = {seen for rows in output.partitions.values() for seen in rows}
    repeated = output.count - len(found)
    return Comparison(len(wanted), output.count, len(wanted - found), len(found - wanted) + repeated)


def slice_of(
    accepted: Iterable[tuple[Place, Seen]], where: dict[Seen, Place], partition: Callable[[int], int], output: Output
) -> list[Seen]:
    """What must have come out of a system that was stopped: up to the last row of each partition, all of it.

    `where` is the first place of everything in the backlog, `partition` the partition of a user. Behind the last row
    nothing is expected, since the system may have been about to write it; a row that no record holds is passed over
    here and counted by `compare`.
    """
    ends = {
        number: max((where[seen] for seen in rows if seen in where), default=(-1, -1))
        for number, rows in output.partitions.items()
    }
    return [seen for place, seen in accepted if place <= ends.get(partition(seen.user), (-1, -1))]


def first_places(records: Iterable[Record]) -> dict[Seen, Place]:
    """Where each impression stands first."""
    where: dict[Seen, Place] = {}
    for place, seen in places(records):
        where.setdefault(seen, place)
    return where
