"""The bench's engine with its rows: made once for a number of impressions, and kept for another run if asked for."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import orjson
from clickhouse_connect.driver.client import Client

from bench.kpis.run import client_of
from bench.lib.figures import say
from bench.reads import rows
from streams.clickhouse.migrate import apply
from streams.embedded import stack
from streams.embedded.ports import free_pair
from streams.paths import migrations_folder
from streams.settings import Settings

HOST = "127.0.0.1"
# So that a user has seen some hundreds of artworks, as after a month.
EACH = 400
ROLLUPS = ("ledger_minutes_refresh", "users_refresh")
# Written once all rows are there and merged.
MADE = "made.json"
TELL_SECONDS = 5.0


class Filled(NamedTuple):
    """A running engine with rows: its settings, how many users they are of, and when the last one was seen (ms)."""

    settings: Settings
    users: int
    end_ms: int


@contextmanager
def running(settings: Settings, impressions: int, keep: bool) -> Iterator[Filled]:
    """Run an engine with that many impressions, in a folder of its own; remove the folder at the end unless `keep`."""
    folder = settings.data_dir.resolve() / f"bench-reads-{impressions}"
    made = folder / MADE
    ours = settings.model_copy(
        update={
            "data_dir": folder,
            "clickhouse_url": f"http://{HOST}:{free_pair()}",
            "clickhouse_password_value": "",
        }
    )
    stack.down(ours, out=lambda _: None)
    if not made.exists():
        # What an interrupted run had begun to make.
        shutil.rmtree(folder, ignore_errors=True)
    stack.up(ours, ("clickhouse",), out=say)
    try:
        client = client_of(ours, "writer")
        # Also of rows that were kept: the schema may be a newer one by now.
        apply(client, migrations_folder(), ours.clickhouse_database, ours.window_ms)
        for view in ROLLUPS:
            client.command(f"SYSTEM STOP VIEW {ours.clickhouse_database}.{view}")
        users = max(1, impressions // EACH)
        if made.exists():
            say("using the rows that were kept")
        else:
            _fill(client, ours, impressions, users, int(time.time() * 1000), made)
        say(f"  {parts(client, ours.clickhouse_database)}")
        yield Filled(ours, users, int(orjson.loads(made.read_bytes())["end_ms"]))
    finally:
        stack.down(ours, out=say)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _fill(client: Client, ours: Settings, impressions: int, users: int, end_ms: int, made: Path) -> None:
    begun = time.monotonic()
    rows.make(client, ours.clickhouse_database, impressions, users, end_ms, say)
    _wait_for_merges(client)
    say(f"  made and merged in {time.monotonic() - begun:.0f} s")
    made.write_bytes(orjson.dumps({"end_ms": end_ms}))


def _wait_for_merges(client: Client) -> None:
    """Return once nothing is being merged: only reading is measured."""
    told = time.monotonic()
    while merges := int(str(client.command("SELECT count() FROM system.merges"))):
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            say(f"  waiting for {merges} merges")
        time.sleep(0.2)


def parts(client: Client, database: str) -> str:
    """Say what the engine holds."""
    found = client.query(
        "SELECT table, count(), sum(rows) FROM system.parts WHERE active AND database = {db:String} AND rows > 1000"
        " GROUP BY table ORDER BY table",
        parameters={"db": database},
    ).result_rows
    return ", ".join(f"{name}: {count:,} rows in {number} parts" for name, number, count in found)
