"""The command as a whole, over a log in memory: what it says, what it writes, and how it ends."""

import io
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.console import Console

from streams.catalogue_load import run
from streams.catalogue_load.options import LoadOptions
from streams.catalogue_load.report import Report
from streams.catalogue_load.staging import Staging
from streams.catalogue_load.topic import Log
from streams.catalogue_load.writer import Pair
from streams.core.catalogue import Catalogue
from streams.errors import FencedError
from streams.settings import Settings

Before = Callable[["Topic", int], None]


class Topic:
    """The records of a topic, and what happens before each transaction of a load."""

    def __init__(self) -> None:
        self.records: list[Pair] = []
        self.transactions = self.aborted = 0
        self.before: Before = lambda *_: None

    def put(self, artwork_id: str, **value: Any) -> None:
        self.records.append((artwork_id, orjson.dumps(value)))

    def catalogue(self) -> Catalogue:
        found = Catalogue()
        for key, value in self.records:
            found.apply(key.encode(), value)
        return found


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    """A topic in place of the broker's."""
    topic = Topic()

    class MemoryLog(Log):
        def __init__(self, settings: Settings, staging: Staging) -> None:
            self._staging, self._catalogue, self.at = staging, Catalogue(), 0

        def read_on(self, report: object, say: object) -> None:
            for key, value in topic.records[self.at :]:
                self._apply(key.encode(), value)
            self.at = len(topic.records)

        def close(self) -> None:
            pass

    class MemoryWriter:
        def __init__(self, _: Settings) -> None:
            pass

        def fence(self) -> None:
            pass

        def write(self, records: Sequence[Pair]) -> None:
            topic.before(topic, topic.transactions)
            topic.transactions += 1
            topic.records += records

        def abort(self) -> None:
            topic.aborted += 1

    monkeypatch.setattr(run, "Log", MemoryLog)
    monkeypatch.setattr(run, "Writer", MemoryWriter)
    return topic


def load(folder: Path, rows: Sequence[str], **options: Any) -> tuple[Report, list[str]]:
    """Load a file of ids and pools; return the report, and what was said."""
    file = folder / "a.csv"
    file.write_text("\n".join(["artwork_id,pool_id", *rows, ""]))
    out = Console(file=io.StringIO(), width=200, record=True)
    report = run.load(file, LoadOptions.parse(**options), Settings(), out)
    return report, out.export_text().splitlines()


def test_it_writes_the_difference_and_then_nothing(topic: Topic, tmp_path: Path) -> None:
    report, said = load(tmp_path, ["a,p", "b,p"])
    assert (report.exit_code, report.written) == (0, 2)
    assert said == [
        "+ a p ordinal 0",
        "+ b p ordinal 1",
        "2 rows, 0 bad: 2 to add, 0 to change, 0 to retire, 0 as they are.",
        "2 records were written to artworks.v1.",
    ]
    report, said = load(tmp_path, ["a,p", "b,p"])
    assert (report.exit_code, report.written, topic.transactions) == (0, 0, 1)
    assert said[0] == "2 rows, 0 bad: 0 to add, 0 to change, 0 to retire, 2 as they are."


def test_a_dry_run_writes_nothing(topic: Topic, tmp_path: Path) -> None:
    report, said = load(tmp_path, ["a,p"], dry_run=True)
    assert (report.exit_code, topic.records) == (0, [])
    assert said[-1] == "Dry run: nothing was written."


def test_nothing_is_retired_while_a_row_is_bad(topic: Topic, tmp_path: Path) -> None:
    for number, name in enumerate("ab"):
        topic.put(name, pool_id="p", ordinal=number)
    report, said = load(tmp_path, ["a,p", "b b,p"], retire_missing=True)
    assert (report.exit_code, report.written) == (1, 0)
    assert said[0].startswith("bad row a.csv:3: artwork_id")
    assert any(line.startswith("Nothing is retired while rows are bad") for line in said)
    report, said = load(tmp_path, ["a,p"], retire_missing=True)
    assert (report.exit_code, said[0]) == (0, "- b p")
    artwork = topic.catalogue().get("b")
    assert artwork is not None
    assert artwork.retired


def test_what_is_not_done_is_said(topic: Topic, tmp_path: Path) -> None:
    topic.put("a", pool_id="p", ordinal=0, retired=True)
    topic.put("b", pool_id="q", ordinal=1)
    assert (
        "Retired, and staying so: 1 of these artworks. A column `retired` would say otherwise."
        in load(tmp_path, ["a,p"])[1]
    )
    _, said = load(tmp_path, ["a,p"], retire_missing=True)
    assert "Pools that the file doesn't name stay as they are: q." in said


def test_only_the_first_of_each_kind_are_shown_unless_all_are_asked_for(topic: Topic, tmp_path: Path) -> None:
    rows = [f"a{n},p" for n in range(30)]
    _, said = load(tmp_path, rows, dry_run=True)
    assert sum(line.startswith("+") for line in said) == 10
    assert "Only the first 10 of each are shown; --all shows the other 20 too." in said
    _, said = load(tmp_path, rows, dry_run=True, everything=True)
    assert sum(line.startswith("+") for line in said) == 30


def test_a_producer_that_comes_between_is_given_way(topic: Topic, tmp_path: Path) -> None:
    def overtake(topic: Topic, transaction: int) -> None:
        if transaction == 0:
            topic.put("theirs", pool_id="q", ordinal=0)

    topic.before = overtake
    report, _ = load(tmp_path, ["a,p", "b,p"])
    found = topic.catalogue()
    # Of the first transaction, only b was taken.
    assert [found.ordinal(name) for name in ("theirs", "b", "a")] == [0, 1, 2]
    assert (report.exit_code, topic.transactions) == (0, 2)


def test_a_producer_that_always_comes_between_is_a_problem(topic: Topic, tmp_path: Path) -> None:
    topic.before = lambda topic, transaction: topic.put(f"t{transaction}", pool_id="q", ordinal=transaction)
    report, said = load(tmp_path, ["a,p"])
    assert (report.exit_code, topic.transactions) == (1, run.ROUNDS)
    assert said[-1] == "Another producer writes the same artworks: 1 still differ from the file."


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "BATCH_RECORDS", 2)


@pytest.mark.usefixtures("small")
def test_another_load_ends_this_one_which_says_how_far_it_came(topic: Topic, tmp_path: Path) -> None:
    def fence(_: Topic, transaction: int) -> None:
        if transaction == 1:
            raise FencedError("Another has begun")

    topic.before = fence
    with pytest.raises(FencedError) as raised:
        load(tmp_path, [f"a{n},p" for n in range(5)])
    assert str(raised.value) == ("Another has begun. 2 of 5 records were written: running it again writes the rest.")
    topic.before = lambda *_: None
    assert load(tmp_path, [f"a{n},p" for n in range(5)])[0].written == 3


@pytest.mark.usefixtures("small")
def test_an_interrupt_aborts_the_transaction(topic: Topic, tmp_path: Path) -> None:
    def interrupt(_: Topic, transaction: int) -> None:
        if transaction == 1:
            raise KeyboardInterrupt

    topic.before = interrupt
    report, said = load(tmp_path, [f"a{n},p" for n in range(5)])
    assert (report.exit_code, topic.aborted, len(topic.records)) == (130, 1, 2)
    assert said[-1] == "Interrupted. 2 of 5 records were written: running it again writes the rest."


def test_an_interrupt_waits_until_the_records_are_written_and_counted(
    topic: Topic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "BATCH_RECORDS", 2)

    def interrupt(_: Topic, transaction: int) -> None:
        if transaction == 1:
            os.kill(os.getpid(), signal.SIGINT)

    topic.before = interrupt
    report, said = load(tmp_path, [f"a{n},p" for n in range(5)])
    assert (report.exit_code, len(topic.records)) == (130, 4)
    assert said[-1] == "Interrupted. 4 of 5 records were written: running it again writes the rest."


def test_transactions_are_bounded_in_records_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    with Staging() as staging:
        for number in range(9):
            staging.want(number, {"artwork_id": f"a{number}", "pool_id": "p", "dna": b"[" + b"0," * 50 + b"0]"})
        monkeypatch.setattr(run, "BATCH_RECORDS", 4)
        assert [len(batch) for batch in run.batches(staging.steps(False))] == [4, 4, 1]
        monkeypatch.setattr(run, "BATCH_BYTES", 300)
        assert [len(batch) for batch in run.batches(staging.steps(False))] == [2, 2, 2, 2, 1]
