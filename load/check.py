"""What the users recorded, held against what ClickHouse has received: row for row, by impression_id and flush_id."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from load.users.ledger import Flush, Impression, Ledger
from load.users.plan import Plan, artwork_id

# Examples of what is wrong that are kept, of each kind.
EXAMPLES = 5


class Row(NamedTuple):
    """An accepted impression, as ClickHouse shows it; `seen_at` in ms."""

    impression_id: str
    user_id: str
    artwork_id: str
    seen_at: int


class Line(NamedTuple):
    """A line of the ledger in ClickHouse. A flush that was sent again has several."""

    flush_id: str
    received: int
    accepted: int
    duplicates: int
    rejected: int
    forwarded: int


@dataclass(slots=True)
class Verdict:
    """`recorded` impressions in `flushes` flushes, and what became of them."""

    recorded: int
    flushes: int
    unacknowledged: int = 0
    """Impressions whose flush the server never acknowledged, however patiently it was sent."""
    expected: int = 0
    """First impressions of an artwork by its user, acknowledged: as many rows must be there."""
    found: int = 0
    lost: int = 0
    """Acknowledged first impressions without a row."""
    double: int = 0
    """Rows of an impression, or of an artwork of its user, that has one already."""
    strange: int = 0
    """Rows that no user recorded, or not so: a repeat, another time, another artwork."""
    lines_lost: int = 0
    """Acknowledged flushes that are not in the ledger."""
    lines_wrong: int = 0
    """Lines of the ledger that don't balance, or whose numbers are not their flush's."""
    lines_again: int = 0
    """Lines beyond the first of their flush: sent again, and nothing but duplicates."""
    wrong_coverage: int = 0
    ledger: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def balanced(self) -> bool:
        """Whether the ledger's sums account for everything that was received."""
        parts = ("accepted", "duplicates", "rejected", "forwarded")
        return not self.lines_wrong and self.ledger["received"] == sum(self.ledger[part] for part in parts)

    @property
    def right(self) -> bool:
        """Whether everything is there, once, and nothing else."""
        wrong = self.unacknowledged + self.lost + self.double + self.strange + self.lines_lost + self.wrong_coverage
        return not wrong and self.balanced and self.found == self.expected == self.ledger["accepted"]

    def note(self, kind: str, example: str) -> None:
        """Keep an example of what is wrong."""
        kept = self.examples.setdefault(kind, [])
        if len(kept) < EXAMPLES:
            kept.append(example)


def compare(plan: Plan, ledger: Ledger, rows: Iterable[Row], lines: Iterable[Line], seen: Mapping[str, int]) -> Verdict:
    """Compare a ledger with rows, lines and each user's number of artworks seen, all of this plan's users only."""
    verdict = Verdict(ledger.recorded, ledger.flushed)
    flushes, impressions = list(ledger.flushes()), list(ledger.impressions())
    _compare_rows(verdict, plan, impressions, flushes, rows)
    _compare_lines(verdict, impressions, flushes, lines)
    distinct = Counter(plan.user_id(each.user) for each in impressions if each.first and flushes[each.flush].acked)
    for user_id in distinct.keys() | seen.keys():
        if distinct[user_id] != seen.get(user_id, 0):
            verdict.wrong_coverage += 1
            verdict.note("coverage", f"{user_id}: {distinct[user_id]} seen, {seen.get(user_id, 0)} shown")
    return verdict


def _compare_rows(
    verdict: Verdict, plan: Plan, impressions: Sequence[Impression], flushes: Sequence[Flush], rows: Iterable[Row]
) -> None:
    must: dict[str, Row] = {}  # to be there
    may: dict[str, Row] = {}  # sent without an acknowledgement: both ways are right
    for each in impressions:
        if not flushes[each.flush].acked:
            verdict.unacknowledged += 1
        if each.first:
            row = Row(each.impression_id, plan.user_id(each.user), artwork_id(each.artwork), each.seen_at)
            (must if flushes[each.flush].acked else may)[row.impression_id] = row
    verdict.expected = len(must)
    ids, artworks = set[str](), set[tuple[str, str]]()
    for found in rows:
        verdict.found += 1
        if found.impression_id in ids or (found.user_id, found.artwork_id) in artworks:
            verdict.double += 1
            verdict.note("double", str(tuple(found)))
        elif found not in (must.get(found.impression_id), may.get(found.impression_id)):
            verdict.strange += 1
            verdict.note("strange", str(tuple(found)))
        ids.add(found.impression_id)
        artworks.add((found.user_id, found.artwork_id))
    for impression_id in must.keys() - ids:
        verdict.lost += 1
        verdict.note("lost", str(tuple(must[impression_id])))


def _compare_lines(
    verdict: Verdict, impressions: Sequence[Impression], flushes: Sequence[Flush], lines: Iterable[Line]
) -> None:
    carried, firsts = Counter[int](), Counter[int]()
    for each in impressions:
        carried[each.flush] += 1
        firsts[each.flush] += each.first
    rows = {flush.flush_id: row for row, flush in enumerate(flushes)}
    sums, accepted, of = Counter[str](), Counter[int](), Counter[int]()
    for line in lines:
        row = rows.get(line.flush_id, -1)
        parts = line.accepted + line.duplicates + line.rejected + line.forwarded
        if row < 0 or line.received != carried[row] or line.received != parts or line.rejected or line.forwarded:
            verdict.lines_wrong += 1
            verdict.note("line", str(tuple(line)))
        sums.update(line._asdict() | {"flush_id": 0})
        accepted[row] += line.accepted
        of[row] += 1
    for row, flush in enumerate(flushes):
        verdict.lines_again += max(0, of[row] - 1)
        if flush.acked and not of[row]:
            verdict.lines_lost += 1
            verdict.note("flush", flush.flush_id)
        elif of[row] and accepted[row] != firsts[row]:
            verdict.lines_wrong += 1
            verdict.note("accepted", f"{flush.flush_id}: {accepted[row]} of {firsts[row]}")
    verdict.ledger = {name: sums[name] for name in Line._fields[1:]}
