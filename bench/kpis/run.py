"""How long the KPIs take over 100,000,000 impressions, with the keys and rollups and without: `python -m bench.kpis`.

The rows are made inside the engine, which takes a quarter of an hour; `--keep` keeps them for another run.
"""

import argparse
import shutil
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from bench.kpis.questions import QUESTIONS
from bench.kpis.rows import PARTITIONS, make
from bench.lib.figures import say, table, write
from streams.clickhouse.client import pool
from streams.clickhouse.migrate import apply
from streams.embedded import stack
from streams.embedded.ports import free_pair
from streams.paths import migrations_folder
from streams.settings import Settings

IMPRESSIONS, USERS = 100_000_000, 500_000
DATABASE = "impressions"
ROLLUPS = ("ledger_minutes_refresh", "users_refresh")
REPEATS = 7
# A pass over everything is not faster the second time.
SLOW_SECONDS, SLOW_REPEATS = 2.0, 2
# The engine remembers in which granules a condition is true: asking the same again would measure that cache.
SETTINGS = {"database": DATABASE, "max_threads": 2, "use_query_condition_cache": 0}
# The first rollup reads everything.
REQUEST_SECONDS = 3_600
COLUMNS = ("question", "with", "s", "without", "s", "times")


@dataclass(frozen=True, slots=True)
class Answer:
    """Median seconds of a question, with the keys and rollups made for it and without."""

    question: str
    seconds: float
    lacks: str
    without_seconds: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench. Return 0, or 1 if a KPI differs from what the rows give."""
    parser = argparse.ArgumentParser(prog="python -m bench.kpis", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--impressions", type=int, default=IMPRESSIONS)
    parser.add_argument("--users", type=int, default=USERS, help=f"a multiple of {PARTITIONS}")
    parser.add_argument("--keep", action="store_true", help="keep the rows, or use those that were kept")
    options = parser.parse_args(argv)
    with running_engine(Settings.load(), options.keep) as settings:
        writer = client_of(settings, "writer")
        filled = prepare(writer, settings, options.impressions, options.users)
        answers, wrong = ask(client_of(settings, "reader"), options.users)
    for line in report(answers):
        say(line)
    write(
        "kpis",
        {"impressions": options.impressions, "users": options.users, **filled} | {"answers": answers_json(answers)},
    )
    for line in wrong:
        say(line)
    return 1 if wrong else 0


@contextmanager
def running_engine(settings: Settings, keep: bool) -> Iterator[Settings]:
    """Run an engine in its own folder; empty the folder at the end unless it is to be kept."""
    ours = settings.model_copy(
        update={
            "data_dir": settings.data_dir.resolve() / "bench-kpis",
            "clickhouse_url": f"http://127.0.0.1:{free_pair()}",
            "clickhouse_password_value": "",
        }
    )
    stack.up(ours, ("clickhouse",), out=say)
    try:
        yield ours
    finally:
        stack.down(ours, out=say)
        if not keep:
            shutil.rmtree(ours.data_dir)


def client_of(settings: Settings, user: str) -> Client:
    """Return a client whose timeout allows for the first rollup."""
    host, port = settings.clickhouse_address
    return clickhouse_connect.get_client(
        host=host,
        pool_mgr=pool(host),
        port=port,
        username=user,
        password=settings.ensure_writer_password() if user == "writer" else "",
        send_receive_timeout=REQUEST_SECONDS,
        autogenerate_session_id=False,
    )


def prepare(client: Client, settings: Settings, impressions: int, users: int) -> dict[str, Any]:
    """Make the rows and their rollups unless they exist; return how long it took and their size on disk."""
    if client.command(f"EXISTS TABLE {DATABASE}.unsorted"):
        say("using the rows that were kept")
    else:
        apply(client, migrations_folder(), DATABASE, settings.window_ms)
        for view in ROLLUPS:
            client.command(f"SYSTEM STOP VIEW {DATABASE}.{view}")
        make(client, DATABASE, impressions, users, int(time.time() * 1000), say)
        unsorted(client)
    seconds = {}
    for view in ROLLUPS:
        begun = time.monotonic()
        client.command(f"SYSTEM START VIEW {DATABASE}.{view}")
        client.command(f"SYSTEM REFRESH VIEW {DATABASE}.{view}")
        client.command(f"SYSTEM WAIT VIEW {DATABASE}.{view}")
        seconds[view] = round(time.monotonic() - begun, 2)
        say(f"{view}: {seconds[view]} s")
        client.command(f"SYSTEM STOP VIEW {DATABASE}.{view}")
    wait_for_merges(client)
    sizes = client.query(
        "SELECT table, count() AS parts, sum(rows), sum(bytes_on_disk) FROM system.parts"
        f" WHERE database = '{DATABASE}' AND active GROUP BY table ORDER BY table"
    ).result_rows
    for name, parts, rows, size in sizes:
        say(f"{name}: {rows:,} rows, {size / 2**20:,.0f} MiB, {parts} parts")
    tables = {name: {"parts": parts, "rows": rows, "bytes": size} for name, parts, rows, size in sizes}
    return {"rollup_seconds": seconds, "tables": tables}


def unsorted(client: Client) -> None:
    """Make the same impressions without a sorting key, in log order."""
    client.command(
        f"CREATE TABLE {DATABASE}.unsorted ENGINE = MergeTree ORDER BY tuple() AS"
        " SELECT user_id, artwork_id, pool_id, seen_at, fresh"
        f" FROM {DATABASE}.impressions_raw ORDER BY kafka_offset"
        " SETTINGS max_bytes_before_external_sort = 2000000000"
    )


def wait_for_merges(client: Client) -> None:
    """Return once the engine has nothing to merge: only reading is measured."""
    while client.command("SELECT count() FROM system.merges"):
        time.sleep(1)


def ask(client: Client, users: int) -> tuple[list[Answer], list[str]]:
    """Ask each question both ways; return the times, and a line for each whose answers differ."""
    answers, wrong = [], []
    for question in QUESTIONS:
        user = f"u{users // 2 + 1}"
        seconds, rows = timed(client, question.asked.format(user=user))
        without, expected = timed(client, question.without.format(user=user))
        answers.append(Answer(question.name, seconds, question.lacks, without))
        say(f"{question.name}: {seconds:.4f} s, {without:.4f} s with {question.lacks}")
        if not same(rows, expected, question.tolerance):
            wrong.append(f"{question.name}: {rows[:3]} with, {expected[:3]} without")
    return answers, wrong


def timed(client: Client, sql: str) -> tuple[float, list[tuple[Any, ...]]]:
    """Return a query's median time (s), as its client sees it, and its rows. The first time is left out."""
    taken: list[float] = []
    rows: list[tuple[Any, ...]] = []
    wanted = REPEATS
    while len(taken) < wanted + 1:
        begun = time.monotonic()
        rows = list(map(tuple, client.query(sql, settings=SETTINGS).result_rows))
        taken.append(time.monotonic() - begun)
        wanted = SLOW_REPEATS if taken[-1] > SLOW_SECONDS else REPEATS
    return statistics.median(taken[1:]), rows


def same(found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]], tolerance: float) -> bool:
    """Whether the rows are the same, with numbers within a relative tolerance."""
    return len(found) == len(expected) and all(
        len(one) == len(other) and all(close(a, b, tolerance) for a, b in zip(one, other, strict=True))
        for one, other in zip(found, expected, strict=True)
    )


def close(a: Any, b: Any, tolerance: float) -> bool:
    """Whether two values are equal, or numbers or lists of numbers that are nearly equal."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(close(one, other, tolerance) for one, other in zip(a, b, strict=True))
    if isinstance(a, int | float) and isinstance(b, int | float):
        return abs(a - b) <= max(tolerance, 1e-9) * max(abs(a), abs(b))
    return bool(a == b)


def report(answers: Sequence[Answer]) -> Iterator[str]:
    """Yield the table."""
    yield from table(
        COLUMNS,
        [
            (
                one.question,
                "keys and rollups",
                f"{one.seconds:.3f}",
                one.lacks,
                f"{one.without_seconds:.3f}",
                f"{one.without_seconds / one.seconds:,.0f}",
            )
            for one in answers
        ],
    )


def answers_json(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Return the answers for the results' file."""
    return [asdict(one) for one in answers]
