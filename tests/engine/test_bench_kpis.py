"""The benchmark of KPIs on few rows: the views return what the rows say, and a wrong KPI would be reported."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bench.kpis import questions, rows, run
from tests.support.clickhouse import running_engine
from tests.support.database import Database, migrated, refresh

# At most two days of rows, and users of both pools with repeats, some of them within the window.
IMPRESSIONS, USERS = 32_000, 320


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with running_engine(tmp_path_factory.mktemp("bench")) as engine:
        db = migrated(engine, run.DATABASE)
        end = int(datetime.now(UTC).timestamp() * 1000)
        rows.make(db.put.client, db.name, IMPRESSIONS, USERS, end, lambda _: None)
        run.unsorted(db.put.client)
        refresh(db)
        yield db


def test_the_generated_rows_are_as_described(db: Database) -> None:
    assert db.rows("SELECT count(), uniqExact(event_id), uniqExact(user_id) FROM impressions") == [
        (IMPRESSIONS, IMPRESSIONS, USERS)
    ]
    assert db.rows("SELECT count() FROM user_artworks") == [(IMPRESSIONS * 95 // 100,)]
    assert db.rows("SELECT sum(accepted), sum(fresh) FROM ledger") == [(IMPRESSIONS, IMPRESSIONS * 95 // 100)]
    assert db.rows(
        "SELECT max(times) FROM (SELECT uniqExact(kafka_partition) AS times FROM users_raw GROUP BY user_id)"
    ) == [(1,)]


def test_both_queries_return_the_same(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "REPEATS", 1)
    answers, wrong = run.ask(db.reader, USERS)
    assert wrong == []
    assert len(answers) == len(questions.QUESTIONS)
    assert all(answer.seconds > 0 for answer in answers)


def test_a_kpi_that_differs_is_reported(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong_one = questions.Question(
        "off", "SELECT sum(accepted) + 1 FROM ledger_minutes", "SELECT sum(accepted) FROM ledger", ""
    )
    monkeypatch.setattr(run, "QUESTIONS", (wrong_one,))
    monkeypatch.setattr(run, "REPEATS", 1)
    _, wrong = run.ask(db.reader, USERS)
    assert [line.split(":")[0] for line in wrong] == ["off"]


def test_percentiles_may_differ_within_their_accuracy() -> None:
    assert run.same([("h", [10.0, 20.0])], [("h", [10.05, 20.1])], 0.01)
    assert not run.same([("h", 10.0)], [("h", 10.2)], 0.01)
    assert not run.same([("h", 10.0)], [], 0.01)
