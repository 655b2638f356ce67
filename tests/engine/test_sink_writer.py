"""ClickHouse holds exactly what the sink inserts, to the bit, whichever way its rows were read."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from clickhouse_connect.driver.client import Client

from streams.errors import Kind
from streams.kafka.names import ACCEPTED, ARTWORKS, LEDGER, REJECTED
from streams.sink.feeds import FEEDS
from streams.sink.writer import InsertError, UnavailableError, Writer
from tests.support.clickhouse import Engine, running_engine
from tests.support.database import Database, migrated
from tests.support.rows import accepted, ledger, rejected
from tests.support.sink import block, joined

TEXT = 'ö ☃ 😀 "quoted" \\ \n\t\x00 end'
MAX_TIME = 9_999_999_999_999


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("writer")) as engine:
        yield engine


@pytest.fixture(scope="module")
def db(engine: Engine) -> Database:
    return migrated(engine, "written")


@pytest.fixture
def writer(engine: Engine, db: Database) -> Iterator[Writer]:
    made = Writer(engine.settings(clickhouse_database=db.name))
    yield made
    made.close()


def held(db: Database, table: str, topic_id: str, names: list[str]) -> list[tuple[Any, ...]]:
    """The table's rows of a log, with times in milliseconds, in the order of its lines."""
    columns = ", ".join(f"toUnixTimestamp64Milli({name})" if name.endswith("_at") else name for name in names)
    query = f"SELECT {columns} FROM {table} WHERE kafka_topic_id = {{t:String}} ORDER BY kafka_offset, line, idx"
    return db.rows(query.replace(", idx", "") if table == "ledger_raw" else query, t=topic_id)


EXTREME = accepted(
    TEXT,
    "a1",
    seen_at=MAX_TIME,
    event_id=TEXT,
    received_at=0,
    dwell_ms=2**64 - 1,
    visible=5e-324,
    position=0,
    surface=TEXT,
    tier="",
    experiments={"a": TEXT, TEXT: "", "": "c"},
    source_partition=2**16 - 1,
    source_offset=2**63,
    line=2**32 - 1,
    idx=2**16 - 1,
)
PLAIN = accepted("u2", "a2", fresh=False, visible=1, experiments={})
FIELDS = [name for name in PLAIN if not name.startswith("kafka_")]


@pytest.mark.parametrize("by", ["columns", "rows"])
def test_accepted_rows_are_stored_as_decided(db: Database, writer: Writer, by: str) -> None:
    # An unknown field makes the sink convert the whole block row by row, and changes nothing else.
    extra = {"extra": 1} if by == "rows" else {}
    given = [PLAIN, PLAIN | {"idx": 1}, EXTREME]
    # Rows with the same identity would collapse.
    given = [row | {"event_id": f"{TEXT} {by} {n}", "user_id": f"{TEXT} {by}"} for n, row in enumerate(given)]
    made = block(ACCEPTED, f"accepted {by}", joined([given[0] | extra, given[1]]), joined([given[2]]))
    for part in made.parts:
        writer.insert(part, made.token)
        writer.insert(part, made.token)
    expected = [tuple(row[name] for name in FIELDS) for row in given]
    assert held(db, "impressions_raw", made.source.topic_id, FIELDS) == expected
    coordinates = (
        "SELECT kafka_partition, kafka_offset FROM impressions_raw WHERE kafka_topic_id = {t:String} ORDER BY 2"
    )
    assert db.rows(coordinates, t=made.source.topic_id) == [(3, 7), (3, 7), (3, 8)]
    for table in ("user_artworks_raw", "artwork_users_raw"):
        query = (
            "SELECT user_id, artwork_id, toUnixTimestamp64Milli(first_seen_at), toUnixTimestamp64Milli(received_at), "
            f"kafka_partition, kafka_offset FROM {table} WHERE kafka_topic_id = {{t:String}}"
        )
        assert db.rows(query, t=made.source.topic_id) == [(f"{TEXT} {by}", "a1", MAX_TIME, 0, 3, 8)]


@pytest.mark.parametrize("by", ["columns", "rows"])
def test_ledger_rows_are_stored_as_decided(db: Database, writer: Writer, by: str) -> None:
    extra = {"extra": 1} if by == "rows" else {}
    source = {"source_topic_id": by}
    large = ledger(
        1,
        line=1,
        attempts=2**64 - 1,
        received=2**32 - 1,
        sent_at=MAX_TIME,
        appended_at=0,
        experiments={"a": TEXT},
        client=TEXT,
    )
    made = block(LEDGER, f"ledger {by}", joined([ledger(0) | extra | source, large | source]))
    for part in made.parts:
        writer.insert(part, made.token)
    names = [name for name in large if not name.startswith("kafka_")]
    expected = [tuple(row[name] for name in names) for row in (ledger(0) | source, large | source)]
    assert held(db, "ledger_raw", made.source.topic_id, names) == expected


def test_rejected_bytes_and_catalogue_records_are_stored_unchanged(db: Database, writer: Writer) -> None:
    piece = rejected(idx=-(2**31), payload="AP8K", payload_encoding="base64", detail=TEXT)
    made = block(REJECTED, "rejected", joined([piece]))
    writer.insert(made.parts[0], made.token)
    query = "SELECT hex(payload), idx, detail FROM rejected_raw WHERE kafka_topic_id = {t:String}"
    assert db.rows(query, t=made.source.topic_id) == [("00FF0A", -(2**31), TEXT)]
    value = {"pool_id": "p", "ordinal": 2**32 - 1, "dna": [1, -0.5, 2**53 + 1]}
    made = block(ARTWORKS, "artworks", orjson.dumps(value), key=b"a1")
    writer.insert(made.parts[0], made.token)
    query = "SELECT artwork_id, ordinal, dna, tombstone FROM artworks_raw WHERE kafka_topic_id = {t:String}"
    assert db.rows(query, t=made.source.topic_id) == [("a1", 2**32 - 1, [1.0, -0.5, float(2**53 + 1)], False)]


def test_a_refused_insert_and_an_unreachable_server_are_different_errors(engine: Engine, db: Database) -> None:
    made = block(LEDGER, "away", joined([ledger(0)]))
    elsewhere = Writer(engine.settings(clickhouse_database="nowhere"))
    with pytest.raises(InsertError) as refused:
        elsewhere.insert(made.parts[0], made.token)
    assert (refused.value.code, refused.value.kind) == ("81", Kind.REFUSE)
    with pytest.raises(InsertError) as refused:
        elsewhere.held(FEEDS[LEDGER], "log", [0])
    assert refused.value.kind is Kind.REFUSE
    stranger = Writer(engine.settings(clickhouse_user="nobody"))
    with pytest.raises(InsertError) as refused:
        stranger.insert(made.parts[0], made.token)
    assert (refused.value.code, refused.value.kind) == ("516", Kind.REFUSE)
    gone = Writer(engine.settings(clickhouse_url="http://127.0.0.1:1"))
    with pytest.raises(UnavailableError):
        gone.insert(made.parts[0], made.token)


def test_reads_that_decide_something_ask_for_every_acknowledged_insert(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a cluster shows what that does; here it is sent, and a server without replicas takes it."""
    asked, query = list[dict[str, Any]](), Client.query

    def noting(client: Client, *arguments: Any, **named: Any) -> Any:
        asked.append(named["settings"])
        return query(client, *arguments, **named)

    writer.catalogue("log")  # asks first whose rows these are
    monkeypatch.setattr(Client, "query", noting)
    for feed in FEEDS.values():
        writer.held(feed, "log", [0])
    writer.catalogue("log")
    assert len(asked) == sum(len(feed.tables) for feed in FEEDS.values()) + 1
    assert all(settings["select_sequential_consistency"] == 1 for settings in asked)
