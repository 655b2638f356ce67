"""Blocks hold whole records in order, and end at the first that can't be read: none is ever left out."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from streams.core.chunk import SourceRecord
from streams.kafka.names import ACCEPTED, ARTWORKS, LEDGER, REJECTED
from streams.metrics.catalogue import SINK
from streams.sink import read_fast
from streams.sink.blocks import Block, Source, build
from streams.sink.feeds import COORDINATES, FEEDS, LEDGER_ROWS, Table
from streams.sink.read_rows import ArtworkParser, parser
from streams.sink.records import Record
from streams.worker.outbox import records
from tests.support.flushes import A, catalogue_of, decider, impression, line
from tests.support.rows import T0, accepted, ledger, rejected
from tests.support.sink import joined


def block(topic: str, *values: bytes | None, first: int = 10) -> Block:
    read = [Record(first + 2 * n, T0 + n, None, value) for n, value in enumerate(values)]
    return build(Source(FEEDS[topic], "log-1", 3, "p1"), read, parser(topic))


def rows(block: Block, table: str) -> list[dict[str, Any]]:
    for part in block.parts:
        if part.table.name == table:
            return list(map(_plain, part.data.to_pylist()))
    return []


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: round(value.timestamp() * 1000) if isinstance(value, datetime) else value for name, value in row.items()
    }


def refused() -> float:
    return SINK.get_sample_value("impressions_sink_refused_artworks_total") or 0.0


def test_accepted_rows_go_into_the_sets_first_and_only_if_fresh() -> None:
    made = block(
        ACCEPTED,
        joined([accepted("u1", "a1", idx=0), accepted("u1", "a2", fresh=False, idx=1)]),
        joined([accepted("u2", "a1", T0 + 5, dwell_ms=7, visible=1, experiments={"flush": "2s"})]),
    )
    assert [part.table.name for part in made.parts] == ["user_artworks_raw", "artwork_users_raw", "impressions_raw"]
    everything = rows(made, "impressions_raw")
    assert [row["artwork_id"] for row in everything] == ["a1", "a2", "a1"]
    assert [row["kafka_offset"] for row in everything] == [10, 10, 12]
    assert {(row["kafka_topic_id"], row["kafka_partition"]) for row in everything} == {("log-1", 3)}
    assert (everything[2]["dwell_ms"], everything[2]["visible"]) == (7, 1)
    for table in ("user_artworks_raw", "artwork_users_raw"):
        seen = [(row["user_id"], row["artwork_id"], row["first_seen_at"]) for row in rows(made, table)]
        assert seen == [("u1", "a1", T0), ("u2", "a1", T0 + 5)]


def test_a_block_of_repeats_has_no_part_for_the_sets() -> None:
    made = block(ACCEPTED, joined([accepted("u1", "a1", fresh=False)]))
    assert [part.table.name for part in made.parts] == ["impressions_raw"]


def test_the_token_names_the_records_and_the_placing_and_nothing_else() -> None:
    value = joined([ledger(1)])
    assert block(LEDGER, value, value).token == "log-1:3:10-12:p1"


def test_latency_is_measured_from_the_source_of_each_records_first_row() -> None:
    made = block(
        LEDGER, joined([ledger(1, appended_at=5), ledger(2, appended_at=6)]), joined([ledger(3, appended_at=7)])
    )
    assert made.appended == (5, 7)


def test_every_table_of_a_topic_shares_the_position_tables_fields() -> None:
    for feed in FEEDS.values():
        types = {column.field: column.type for column in feed.position_table.columns}
        for table in feed.tables:
            assert {column.field: column.type for column in table.columns}.items() <= types.items()
            assert table.columns[-len(COORDINATES) :] == COORDINATES


def test_what_the_worker_writes_takes_the_fast_path() -> None:
    catalogue = catalogue_of(a1={"pool_id": "p", "ordinal": 1})
    lines_of = [
        line(
            experiments={"flush": "2s"},
            impressions=[impression(dwell_ms=5, visible=0.5, position=1), impression(artwork_id="a2"), impression()],
        ),
        line(user_id="u2", transport="beacon"),
        b"nothing",
    ]
    outputs = decider(catalogue).decide([SourceRecord(n, A, text) for n, text in enumerate(lines_of)], now=A)
    written = records(0, outputs, [])
    for topic in (ACCEPTED, LEDGER):
        values = [each.value for each in written if each.topic == topic]
        assert values
        assert read_fast.read(FEEDS[topic].columns, values) is not None


@pytest.mark.parametrize(
    ("encoding", "payload", "expected"),
    [("utf-8", '{"a":"☃"}', '{"a":"☃"}'.encode()), ("base64", "AP8K", b"\x00\xff\n"), ("utf-8", "", b"")],
)
def test_a_rejected_payload_becomes_its_original_bytes(encoding: str, payload: str, expected: bytes) -> None:
    made = block(REJECTED, joined([rejected(payload=payload, payload_encoding=encoding, idx=-1)]))
    assert [(row["payload"], row["idx"]) for row in rows(made, "rejected_raw")] == [(expected, -1)]


def test_a_rejected_piece_of_an_earlier_release_stands_for_one_line() -> None:
    piece = rejected(payload="x", payload_encoding="utf-8")
    old = {name: value for name, value in piece.items() if name != "lines"}
    made = block(REJECTED, joined([piece | {"lines": 3}]), joined([old]))
    assert [row["lines"] for row in rows(made, "rejected_raw")] == [3, 1]


def test_workers_of_two_releases_may_write_to_one_ledger() -> None:
    """The earlier one's rows lack the client; where a block has rows of both, none loses its own."""
    new = ledger(2, client="firefox-153")
    old = {name: value for name, value in ledger(1).items() if name != "client"}
    for values in ([old, old], [old, new], [new, old], [new, new]):
        made = block(LEDGER, *(joined([each]) for each in values))
        assert made.unreadable is None
        assert [row["client"] for row in rows(made, "ledger_raw")] == [each.get("client", "") for each in values]


def test_a_sink_of_an_earlier_release_reads_the_ledger_of_a_newer_worker() -> None:
    """It leaves out the client, which it has no column for, and reads row by row; see docs/operate/upgrade.md."""
    columns = tuple(each for each in LEDGER_ROWS.columns if each.field != "client")
    feed = replace(FEEDS[LEDGER], tables=(Table("ledger_raw", columns),))
    made = build(Source(feed, "log-1", 3, "p1"), [Record(10, T0, None, joined([ledger(1)]))], parser(LEDGER))
    assert made.unreadable is None
    (row,) = rows(made, "ledger_raw")
    assert row["flush_id"] == "f1"
    assert "client" not in row


GOOD = accepted("u1", "a1")


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


@pytest.mark.parametrize(
    "bad",
    [
        None,
        b"",
        b"{",
        b"[1]",
        b"null",
        joined([GOOD]) + b"\n",
        joined([GOOD, without("tier")]),
        joined([without("fresh")]),
        joined([GOOD | {"seen_at": "now"}]),
        joined([GOOD | {"seen_at": -1}]),
        joined([GOOD | {"seen_at": True}]),
        joined([GOOD | {"fresh": 1}]),
        joined([GOOD | {"idx": 2**16}]),
        joined([GOOD | {"dwell_ms": 1.5}]),
        joined([GOOD | {"visible": "1"}]),
        joined([GOOD | {"experiments": {"a": 1}}]),
        joined([GOOD | {"experiments": []}]),
        joined([GOOD | {"user_id": None}]),
    ],
    ids=str,
)
def test_a_block_ends_before_a_record_that_cannot_be_read(bad: bytes | None) -> None:
    good = joined([GOOD])
    made = block(ACCEPTED, good, good, bad, good, bad)
    assert [row["kafka_offset"] for row in rows(made, "impressions_raw")] == [10, 12]
    assert [row["kafka_offset"] for row in rows(made, "user_artworks_raw")] == [10, 12]
    assert made.unreadable is not None
    assert (made.first, made.next, made.unreadable.offset) == (10, 14, 14)
    assert made.unreadable.why


def test_a_block_whose_first_record_cannot_be_read_is_empty_and_leads_nowhere() -> None:
    made = block(ACCEPTED, b"{", joined([GOOD]))
    assert made.unreadable is not None
    assert (made.parts, made.first, made.next, made.unreadable.offset) == ((), 10, 10, 10)


def test_fields_that_a_newer_worker_added_are_ignored() -> None:
    made = block(ACCEPTED, joined([GOOD | {"colour": "red", "more": {"a": [1]}}]), joined([GOOD]))
    assert made.unreadable is None
    assert [row["kafka_offset"] for row in rows(made, "impressions_raw")] == [10, 12]


@pytest.mark.parametrize(
    "row", [{"payload": 5}, {"payload_encoding": "hex"}, {"payload_encoding": "base64", "payload": "*"}]
)
def test_a_rejected_piece_with_a_wrong_payload_cannot_be_read(row: dict[str, Any]) -> None:
    good = rejected(payload="x", payload_encoding="utf-8")
    made = block(REJECTED, joined([good]), joined([good | row]))
    assert made.unreadable is not None
    assert (len(rows(made, "rejected_raw")), made.unreadable.offset) == (1, 12)


@pytest.mark.parametrize("wrong", [None, "1", -1, 2**32, True, 1.5])
def test_a_wrong_number_of_lines_is_not_taken_for_a_missing_one(wrong: Any) -> None:
    made = block(LEDGER, joined([ledger(1)]), joined([ledger(2, lines=wrong)]))
    assert made.unreadable is not None
    assert made.unreadable.why == "lines does not fit UInt32"


def artworks(parse: ArtworkParser, *records: tuple[str | None, Any], first: int = 0) -> list[tuple[Any, ...]]:
    """Return the rows of catalogue records, with the columns that a record decides."""
    made = build(
        Source(FEEDS[ARTWORKS], "log-1", 0, "p1"),
        [
            Record(
                first + n,
                T0,
                None if key is None else key.encode(),
                None if value is None else json.dumps(value).encode(),
            )
            for n, (key, value) in enumerate(records)
        ],
        parse,
    )
    names = ("artwork_id", "pool_id", "ordinal", "retired", "tombstone", "created_at", "dna", "kafka_offset")
    return [tuple(row[name] for name in names) for row in rows(made, "artworks_raw")]


def test_catalogue_records_become_rows_and_a_tombstone_keeps_pool_and_ordinal() -> None:
    found = artworks(
        ArtworkParser(),
        ("a1", {"pool_id": "main", "ordinal": 1, "created_at": 7, "dna": [1, 0.5]}),
        ("a1", {"pool_id": "other", "ordinal": 1, "retired": True}),
        ("a1", None),
    )
    assert found == [
        ("a1", "main", 1, False, False, 7, [1, 0.5], 0),
        ("a1", "other", 1, True, False, 0, [], 1),
        ("a1", "other", 1, True, True, 0, [], 2),
    ]


def test_refused_catalogue_records_do_not_become_rows_or_stop_the_rest() -> None:
    before = refused()
    found = artworks(
        ArtworkParser(),
        ("a1", {"pool_id": "main", "ordinal": 1}),
        ("a1", {"pool_id": "main", "ordinal": 2}),
        ("a2", {"pool_id": "main", "ordinal": 1}),
        ("a3", None),
        (None, {"pool_id": "main", "ordinal": 3}),
        ("a4", {"pool_id": "main"}),
        ("a5", [1]),
        ("a6", {"pool_id": "main", "ordinal": 6, "artwork_id": "a7"}),
        ("a8", {"pool_id": "main", "ordinal": 8}),
    )
    assert [row[0] for row in found] == ["a1", "a8"]
    assert refused() == before + 7


def test_refused_records_that_are_read_again_are_not_counted_again() -> None:
    before = refused()
    parse = parser(ARTWORKS, known=11)
    assert isinstance(parse, ArtworkParser)
    parse.restore([("a1", "main", 1, False, False)])
    assert artworks(parse, ("a2", {"ordinal": 1}), ("a2", None), ("a2", [2]), first=9) == []
    assert refused() == before + 1


def test_whatever_the_catalogue_accepts_fits_the_table() -> None:
    # A stranger's record must never make the sink wait for one of a newer release.
    found = artworks(
        ArtworkParser(),
        (
            "a" * 128,
            {"pool_id": "p" * 128, "ordinal": 2**32 - 1, "created_at": 9_999_999_999_999, "dna": [2**63, -0.0]},
        ),
        ("a2", {"pool_id": "p", "ordinal": 0, "created_at": 0, "dna": [5e-324, 1.7976931348623157e308] * 1000}),
        ("a2", None),
    )
    assert [row[0] for row in found] == ["a" * 128, "a2", "a2"]


def test_a_restored_catalogue_refuses_what_the_original_would() -> None:
    parse = ArtworkParser()
    parse.restore([("a1", "main", 1, False, False), ("a2", "main", 2, True, False), ("a1", "main", 1, True, True)])
    found = artworks(
        parse,
        ("a3", {"pool_id": "main", "ordinal": 1}),
        ("a1", {"pool_id": "main", "ordinal": 9}),
        ("a2", None),
        ("a3", {"pool_id": "main", "ordinal": 3}),
    )
    assert [(row[0], row[2], row[4]) for row in found] == [("a2", 2, True), ("a3", 3, False)]
