"""How many bytes an impression takes in each topic and table, with the ids that the SDK makes: `python -m bench.size`.

Nearly everything is accepted and fresh, so nothing takes less than it may: each visit is of one of many users, who sees
so many artworks, and the SDK sends them as one flush. docs/operate/sizing.md multiplies what this measures.
"""

import argparse
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.end_to_end.clickhouse import Database
from bench.lib.backlog import ARTWORKS, SEED, artwork_id
from bench.lib.broker import HOST, only_bench, running_broker, write
from bench.lib.figures import say, table
from bench.lib.figures import write as write_figures
from bench.lib.topics import topic_bytes, topic_names
from impression_streams import ImpressionProducer
from streams.clickhouse.client import connect
from streams.embedded import stack
from streams.embedded.ports import free_pair
from streams.settings import Settings

PER_MINUTE = 100_000
MINUTES = 3.0
SIZES = (10, 1)
USERS = 100_000
COMPONENTS = ("clickhouse", "worker-0", "sink-0")
# Visits are begun in steps of this length: the SDK's interval, after which it flushes, is 5 s.
STEP_SECONDS = 0.05
DRAIN_SECONDS = 300.0
COLUMNS = ("what", "bytes an impression", "rows an impression")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write bench/results/size.json; return 0, or 1 if ClickHouse lacks something."""
    parser = argparse.ArgumentParser(prog="bench.size", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="how long each run sends")
    options = parser.parse_args(argv)
    settings = Settings.load()
    runs = {}
    with only_bench(settings):
        for size in SIZES:
            runs[str(size)] = measured(settings, size, options.minutes * 60)
    for of, run in runs.items():
        say(f"\n{run['impressions']:,} impressions, {of} a flush:")
        for line in table(COLUMNS, _rows(run)):
            say(line)
    say(f"figures: {write_figures('size', {'users': USERS, 'artworks': ARTWORKS, 'runs': runs})}")
    return 0


def measured(settings: Settings, size: int, seconds: float) -> dict[str, Any]:
    """Send at the base rate, and return the bytes of all topics, tables and of the state, once all is in ClickHouse."""
    with running_broker(settings, say) as broker:
        ours = broker.model_copy(update={"clickhouse_url": f"http://{HOST}:{free_pair()}"})
        write(ours, [])  # the catalogue, and no records
        before = {name: topic_bytes(ours, [name]) for name in topic_names(ours)}
        stack.up(ours, COMPONENTS, out=say)
        sent = play(ours, size, seconds)
        Database(ours).wait_received(sent, DRAIN_SECONDS)
        topics = {name: topic_bytes(ours, [name]) - size_before for name, size_before in before.items()}
        return {
            "impressions": sent,
            "seconds": seconds,
            "topics": {name: count for name, count in sorted(topics.items()) if count > 0},
            "tables": tables(ours),
            "state": folder_bytes(ours.data_dir / "state"),
        }


def play(settings: Settings, size: int, seconds: float) -> int:
    """Record visits of `size` impressions evenly for so long; return how many impressions were acknowledged."""
    rng, sent = random.Random(SEED), 0
    rate = PER_MINUTE / 60
    begun = time.monotonic()
    with ImpressionProducer(settings.kafka_bootstrap) as producer:
        while (passed := time.monotonic() - begun) < seconds:
            while sent < passed * rate:
                user = f"user-{rng.randrange(USERS):06d}"
                for position in range(size):
                    producer.record(
                        user,
                        artwork_id(rng.randrange(ARTWORKS)),
                        pool_id="main",
                        dwell_ms=rng.randrange(200, 20_000),
                        visible=round(rng.random(), 2),
                        position=position,
                        surface="gallery",
                    )
                sent += size
            time.sleep(STEP_SECONDS)
    return sent


def tables(settings: Settings) -> dict[str, dict[str, int]]:
    """Return rows and bytes of each table, merged as far as it will be."""
    client = connect(settings)
    database = settings.clickhouse_database
    found = client.query("SELECT name FROM system.tables WHERE database = {db:String} AND engine LIKE '%MergeTree'",
                         parameters={"db": database}).result_rows  # fmt: skip
    for (name,) in found:
        client.command(f"OPTIMIZE TABLE {database}.{name} FINAL")
    sizes = client.query(
        "SELECT table, sum(rows), sum(bytes_on_disk) FROM system.parts WHERE active AND database = {db:String} "
        "GROUP BY table ORDER BY table",
        parameters={"db": database},
    ).result_rows
    return {name: {"rows": int(rows), "bytes": int(size)} for name, rows, size in sizes}


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _rows(run: dict[str, Any]) -> list[tuple[str, str, str]]:
    count = run["impressions"]
    topics = [(name, f"{size / count:.1f}", "") for name, size in run["topics"].items()]
    stored = [(name, f"{t['bytes'] / count:.1f}", f"{t['rows'] / count:.2f}") for name, t in run["tables"].items()]
    return [*topics, *stored, ("RocksDB", f"{run['state'] / count:.1f}", "")]
