"""How analysts pass parameters: each query's own command, and the page's curl, Python and Grafana, over HTTP."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.expand import expand
from tests.support.clickhouse import Engine, running_engine
from tests.support.database import Database, migrated
from tests.support.rows import T0, accepted, artwork, ledger, rejected

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "queries.md").read_text()
QUERIES = sorted((ROOT / "clickhouse" / "queries").glob("*.sql"))
BLOCKS = dict(re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
# What stands in place of each parameter in Grafana.
IN_GRAFANA = dict(re.findall(r"^\| `(\{\w+:[^`]+\})` \| `([^`]+)` \|", PAGE, re.MULTILINE))
PARAMETER = re.compile(r"\{\w+:[^}]+\}")
ADDRESS = "127.0.0.1:8123"
HOUR = 3_600_000
# The day that the commands ask for.
FIRST, LAST = T0 - 7 * HOUR, T0 + 17 * HOUR
SECONDS = 60

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("pages")) as engine:
        yield engine


@pytest.fixture(scope="module")
def db(engine: Engine) -> Database:
    """Something to answer for each query's example, and nothing wrong, which is what the last one looks for."""
    db = migrated(engine, "impressions")
    db.put.artworks(*(artwork(f"a004{n}", n, offset=n) for n in range(8)))
    rows = [accepted("u42", f"a004{n}", T0 + n * 1_000, n, surface='it\'s "new"') for n in range(7)]
    again = accepted("u42", "a0042", T0 + HOUR, 7, fresh=False)
    db.put.accepted(*rows, again)
    times = {"appended_at": T0 + 200, "processed_at": T0 + 230}
    db.put.ledger(
        *(ledger(n, received=1, accepted=1, fresh=1, **times) for n in range(7)),
        ledger(7, received=1, accepted=1, **times | {"appended_at": T0 + HOUR + 200}),
        ledger(8, received=1, rejected=1, **times),
    )
    db.put.rejected(rejected(8, rejected_at=T0 + 200))
    return db


def answer_to(path: Path, db: Database, engine: Engine) -> str:
    """What the command in a query's header prints."""
    (command,) = re.findall(r"^-- (curl .+)$", path.read_text(), re.MULTILINE)
    words = shlex.split(command.replace(ADDRESS, f"127.0.0.1:{engine.port}").replace("PrettyCompact", "JSONEachRow"))
    done = subprocess.run([*words, "-sS"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=SECONDS)
    return done.stdout


@needs_curl
@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_the_command_in_each_querys_header_passes_its_parameters(path: Path, db: Database, engine: Engine) -> None:
    rows = [json.loads(line) for line in answer_to(path, db, engine).splitlines()]
    assert all(isinstance(row, dict) and "exception" not in row for row in rows)
    assert bool(rows) == (path.stem != "10_ledger_balance")


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_the_command_names_the_querys_own_file_and_exactly_its_parameters(path: Path) -> None:
    text = path.read_text()
    (command,) = re.findall(r"^-- (curl .+)$", text, re.MULTILINE)
    assert command.endswith(f" --data-binary @{path.relative_to(ROOT)}")
    assert set(re.findall(r"param_(\w+)=", command)) == set(re.findall(r"\{(\w+):", text))


EXPECTED = ["a0042", "a0046", "a0045", "a0044", "a0043", "a0042", "a0041", "a0040"]


@needs_curl
def test_the_pages_curl_answers(db: Database, engine: Engine) -> None:
    script = BLOCKS["bash"].replace(ADDRESS, f"127.0.0.1:{engine.port}")
    done = subprocess.run(
        ["bash", "-ec", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=SECONDS
    )
    assert [line.split("\t")[1] for line in done.stdout.splitlines()] == EXPECTED


def test_the_pages_python_answers(db: Database, engine: Engine) -> None:
    script = BLOCKS["python"].replace("8123", str(engine.port))
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert [re.findall(r"'artwork_id': '(\w+)'", line) for line in done.stdout.splitlines()] == [[a] for a in EXPECTED]


def in_grafana(sql: str, **variables: str) -> str:
    """Return what Grafana and its plugin send."""
    return expand(sql, start=FIRST, stop=LAST, interval_seconds=60, variables=variables)


def test_the_pages_grafana_query_answers(db: Database) -> None:
    rows = db.rows(in_grafana(BLOCKS["sql"], user="u42"))
    assert [row[1] for row in rows] == EXPECTED
    parameters = {"user_id": "u42", "before": "2024-11-25 00:00:00", "rows": 100}
    assert rows == db.rows(QUERIES[0].read_text(), **parameters)


def test_a_value_in_grafana_is_a_value_and_no_part_of_the_query(db: Database) -> None:
    assert db.rows(in_grafana(BLOCKS["sql"], user="u42' OR user_id != '")) == []


def test_the_pages_grafana_query_is_the_file_with_the_tables_replacements() -> None:
    text = re.sub(r"^--.*\n", "", QUERIES[0].read_text(), flags=re.MULTILINE)
    assert BLOCKS["sql"].strip() == PARAMETER.sub(lambda found: IN_GRAFANA[found[0]], text).strip()


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_the_tables_replacements_make_each_query_one_for_grafana(path: Path, db: Database) -> None:
    sql = PARAMETER.sub(lambda found: IN_GRAFANA[found[0]], path.read_text())
    rows = db.rows(in_grafana(sql, user="u42", artwork="a0042", pool="main"))
    assert bool(rows) == (path.stem != "10_ledger_balance")


def test_the_table_has_no_parameter_that_no_query_has() -> None:
    assert set(IN_GRAFANA) == {found for path in QUERIES for found in PARAMETER.findall(path.read_text())}
