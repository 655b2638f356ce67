"""What each error of ClickHouse means, and what the sink makes of it."""

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from streams.clickhouse.errors import UNREACHABLE, ClickHouseAwayError, kind
from streams.errors import Kind, UserError
from streams.sink.writer import UnavailableError, classify

CASES = {
    "no answer": (OperationalError("Connection refused"), Kind.WAIT),
    "the network": (OSError("gone"), Kind.WAIT),
    "unreachable, in our words": (ClickHouseAwayError("away"), Kind.WAIT),
    "too many parts": (DatabaseError("parts", code=252), Kind.WAIT),
    "no space left": (DatabaseError("disk", code=243), Kind.WAIT),
    "read-only without Keeper": (DatabaseError("keeper", code=242), Kind.WAIT),
    "too few replicas": (DatabaseError("quorum", code=285), Kind.WAIT),
    "a quorum before this one": (DatabaseError("quorum", code=286), Kind.WAIT),
    "a replica that lags": (DatabaseError("quorum", code=289), Kind.WAIT),
    "an insert of unknown status": (DatabaseError("keeper", code=319), Kind.WAIT),
    "a refused login": (DatabaseError("password", code=516), Kind.REFUSE),
    "a refused login, in our words": (UserError("password"), Kind.REFUSE),
    "no right": (DatabaseError("grant", code=497), Kind.REFUSE),
    "a user that may only read": (DatabaseError("readonly", code=164), Kind.REFUSE),
    "no such table": (DatabaseError("table", code=60), Kind.REFUSE),
    "no such database": (DatabaseError("database", code=81), Kind.REFUSE),
    "no such column": (DatabaseError("column", code=16), Kind.REFUSE),
    "a syntax error": (DatabaseError("syntax", code=62), Kind.DEFECT),
    "not ours at all": (KeyError("x"), Kind.DEFECT),
}


@pytest.mark.parametrize("name", CASES)
def test_the_kind_of_an_error(name: str) -> None:
    error, expected = CASES[name]
    assert kind(error) is expected
    made = classify(error)
    assert made.kind is expected
    assert isinstance(made, UnavailableError) == (expected is Kind.WAIT)


def test_a_failure_names_the_servers_code_and_the_answers_first_line() -> None:
    away = classify(OperationalError("Connection refused\nand more"))
    assert (away.code, str(away)) == (UNREACHABLE, "Connection refused")
    unknown_table = classify(DatabaseError("x" * 1000, code=60))
    assert (unknown_table.code, len(str(unknown_table))) == ("60", 300)


def test_a_refused_login_keeps_the_servers_code() -> None:
    refused = UserError("ClickHouse refuses user 'writer'")
    refused.__cause__ = DatabaseError("password", code=516)
    assert classify(refused).code == "516"
