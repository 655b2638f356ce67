"""The demo's plan, played into a log that exists only in memory, and what the oracle makes of it."""

from itertools import count
from typing import NamedTuple

from demo.plan.plan import Plan, make_plan
from demo.plan.steps import ARTWORKS
from oracle.murmur import home_of
from oracle.rows import Accepted, Artwork, Coverage, LedgerRow, Rejected
from oracle.rules import Record, Rules, lines_of
from tests.support.against_oracle import artwork, catalogue_of, judged

NOW = 1_732_431_600_000
RULES, PARTITIONS = Rules(600_000, 86_400_000, 300_000), 4
# The play takes seconds, whatever time the log spans.
APPENDED = NOW + 5_000


class Result(NamedTuple):
    """What ClickHouse must contain."""

    accepted: list[Accepted]
    ledger: list[LedgerRow]
    rejected: list[Rejected]
    coverage: list[Coverage]
    artworks: list[Artwork]
    refused: int
    """The number of catalogue records refused."""


def plan_of(seed: int) -> Plan:
    return make_plan(NOW, seed, RULES.window_ms, PARTITIONS)


def imaginary_log(plan: Plan) -> list[Record]:
    """Return the log that the plan produces: offsets in sending order, forwarded lines at the end."""
    offsets = [count() for _ in range(PARTITIONS)]
    sent = []
    for step in plan.steps:
        if step.topic != ARTWORKS:
            by_key = home_of((step.key or b"").decode(), PARTITIONS)
            partition = by_key if step.partition is None else step.partition
            sent.append(Record("t", partition, next(offsets[partition]), APPENDED, None, step.value))
    values = {(record.partition, record.offset): lines_of(record.value) for record in sent}
    forwarded = []
    for (_, partition, offset, line), (home, _) in judged(sent, RULES, PARTITIONS).forwards.items():
        forwarded.append(Record("t", home, next(offsets[home]), APPENDED, None, values[partition, offset][line]))
    return sent + forwarded


def result_of(plan: Plan) -> Result:
    records = [artwork(step.key, step.value) for step in plan.steps if step.topic == ARTWORKS]
    judge, catalogue = judged(imaginary_log(plan), RULES, PARTITIONS), catalogue_of(records)
    return Result(
        list(judge.accepted.values()),
        judge.ledger,
        judge.rejected,
        list(catalogue.coverage(judge.seen)),
        list(catalogue.artworks.values()),
        len(records) - len(catalogue.taken),
    )
