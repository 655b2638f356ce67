"""The two implementations of the rules, the worker's core and the oracle, behind one interface."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple, Protocol

from oracle.forwards import expected_rows, found_row
from oracle.rows import Accepted, Coverage, LedgerRow, Rejected
from oracle.rules import Record, Rules
from streams.core.artwork_record import Refusal
from streams.core.catalogue import Catalogue
from streams.core.chunk import Decider, SourceRecord
from streams.core.judge import Rules as CoreRules
from streams.core.pieces import pieces
from tests.support import written
from tests.support.against_oracle import artwork, catalogue_of, judged
from tests.support.flushes import LATENESS, TOLERANCE, TOPIC_ID, WINDOW, A, Outcome, decider

RULES = Rules(WINDOW, LATENESS, TOLERANCE)
Artworks = Sequence[tuple[bytes | None, bytes | None]]


class Judged(NamedTuple):
    """The outcome of a log. Rows are in log order; forwards are (place, home, digest of the line)."""

    accepted: list[Accepted]
    ledger: list[LedgerRow]
    rejected: list[Rejected]
    forwards: list[tuple[object, ...]]
    coverage: set[Coverage]
    artworks: dict[str, tuple[str, int, bool]]
    """For each artwork in the catalogue: its pool, its ordinal and whether it is retired."""
    refused: int
    """The number of catalogue records refused."""

    @property
    def letters(self) -> str:
        """One letter per line: fresh, repeat, duplicate, sent on, or x for rejected."""
        return "".join(
            "f" if row.fresh else "r" if row.accepted else "d" if row.duplicates else "s" if row.forwarded else "x"
            for row in self.ledger
        )

    @property
    def reasons(self) -> list[str]:
        """The reasons of the rejections."""
        return [row.reason for row in self.rejected]


class Implementation(Protocol):
    """Judges a log in log order, with a catalogue that is known from the start."""

    def __call__(
        self, log: Sequence[Record], artworks: Artworks = (), rules: Rules = RULES, partitions: int = 1
    ) -> Judged: ...


def log(*values: bytes | None, at: int = A, partition: int = 0, first: int = 0) -> list[Record]:
    """One record per value, all appended at `at`, with offsets from `first`."""
    return [Record(TOPIC_ID, partition, first + n, at, None, value) for n, value in enumerate(values)]


def digest(payload: bytes) -> str:
    """Return the digest by which the rows identify a kept payload."""
    return hashlib.sha256(payload).hexdigest()


def by_core(log: Sequence[Record], artworks: Artworks = (), rules: Rules = RULES, partitions: int = 1) -> Judged:
    """Judge with the worker's core, one chunk per partition and lateness."""
    catalogue = Catalogue()
    applied = [catalogue.apply(key, value) for key, value in artworks]
    found = Judged([], [], [], [], set(), {}, sum(isinstance(each, Refusal) for each in applied))
    for key, _ in artworks:
        if known := catalogue.get((key or b"").decode("utf-8", "replace")):
            found.artworks[known.artwork_id] = (known.pool_id, known.ordinal, known.retired)
    core = CoreRules(rules.window_ms, rules.lateness_ms, rules.tolerance_ms)
    for number in range(partitions):
        by = decider(catalogue, partition=number, partitions=partitions, rules=core)
        of_partition = [each for each in log if each.partition == number]
        for lateness_ms, records in groupby(of_partition, lambda each: rules.lateness_at(each.time)):
            by = replace(by, rules=CoreRules(rules.window_ms, lateness_ms, rules.tolerance_ms))
            _judge(found, by, [piece for each in records for piece in pieces(each.offset, each.time, each.value)])
    return found


def _judge(found: Judged, by: Decider, records: Sequence[SourceRecord]) -> None:
    """Judge one chunk."""
    outputs = by.decide(records, now=A)
    outcome = Outcome(outputs)
    found.accepted.extend(map(written.accepted, outcome.accepted))
    found.ledger.extend(map(written.ledger, outcome.ledger))
    found.rejected.extend(map(written.rejected, outcome.rejected))
    found.coverage.difference_update(
        [row for row in found.coverage if f"{row.user_id}|{row.pool_id}" in outcome.coverage]
    )
    found.coverage.update(written.coverage(row) for row in outcome.coverage.values() if row)
    found.forwards.extend(
        found_row(Record(TOPIC_ID, each.partition, 0, A, None, each.line, each.origin)) for each in outputs.forwards
    )


def by_oracle(log: Sequence[Record], artworks: Artworks = (), rules: Rules = RULES, partitions: int = 1) -> Judged:
    """Judge with the oracle."""
    judge = judged(log, rules, partitions)
    catalogue = catalogue_of(artwork(key, value) for key, value in artworks)
    return Judged(
        list(judge.accepted.values()),
        judge.ledger,
        judge.rejected,
        list(expected_rows(judge.forwards)),
        set(catalogue.coverage(judge.seen)),
        {each.artwork_id: (each.pool_id, each.ordinal, each.retired) for each in catalogue.artworks.values()},
        len(artworks) - len(catalogue.taken),
    )
