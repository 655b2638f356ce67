"""What the preview shows: a play on its own stack, watched by Prometheus, or a running stack."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from clickhouse_connect.driver.exceptions import ClickHouseError
from rich.console import Console

from dashboards.observers import observing, until
from dashboards.preview import edge, healthy
from demo import stack
from demo.plan.plan import make_plan
from demo.player import Player
from demo.progress import progress
from demo.screen import line_printer
from demo.settle import oracle_of, settle
from streams.clickhouse.client import connect
from streams.embedded import stack as embedded
from streams.embedded.ports import free_block
from streams.errors import UserError
from streams.settings import Settings

SEED = 1
# Longer than the demo: counts by the minute then have several points, and a line scraped every second has a shape.
PLAY_SECONDS = 60.0
# Fewer points than this look like a dot on a panel.
LEAST_SCRAPES = 20
# The KPIs, updated by the minute, come last.
KPI_SECONDS = 180.0
# Room before the play (ms), so its first point isn't on the frame.
PADDING_MS = 3_000


@dataclass(frozen=True)
class Shown:
    """Where the data is, and the ranges (ms since the epoch) in which to view it."""

    settings: Settings
    prometheus: str | None
    played: tuple[int, int]
    """By the broker's clock."""
    seen: tuple[int, int]
    """By the devices' clocks: the log's week, compressed into the hours before now. A few late ones precede it."""


@contextmanager
def playing(settings: Settings, console: Console, name: str) -> Iterator[Shown]:
    """Play one of PLAYS with Prometheus beside it, and yield once everything is there; stop everything at the end.

    Raises UserError for what the user can fix, and if the KPIs don't arrive.
    """
    out = line_printer(console)
    own = settings.model_copy(update={"data_dir": settings.data_dir.resolve() / "preview" / "data"})
    with stack.only_demo(own):
        demo = stack.demo_settings(own, out).model_copy(update={"collector_port": free_block(1)})
        targets = {
            "worker": [f"{demo.metrics_host}:{demo.metrics_port}"],
            "sink": [f"{demo.metrics_host}:{demo.metrics_port + 1}"],
            "collector": [f"{edge.HOST}:{demo.collector_port}"],
        }
        out(f"a stack of its own: Kafka {demo.kafka_bootstrap}, ClickHouse {demo.clickhouse_url}, in {demo.data_dir}")
        with observing(own.data_dir / "observers", targets) as observers:
            try:
                # Share Kafka's jars with the ordinary stack, so they are fetched once.
                stack.start(demo, settings, lambda line: None if line.startswith(" ") else out(line))
                embedded.up(demo, ["collector-0"], out=lambda _line: None)
                PLAYS[name](demo, console)
                out("waiting for the KPIs of all of it")
                rolled_up = _roll_up(demo)
                computed = (
                    f"min_over_time(impressions_kpi_computed_timestamp_seconds[5s]) > {rolled_up}"
                    f" and on() count(count_over_time(impressions_kpi_freshness_ratio[1h]) >= {LEAST_SCRAPES})"
                )
                if not until(lambda: bool(observers.query(computed)), KPI_SECONDS):
                    raise UserError(f"The sink did not export the KPIs: see the log in {demo.data_dir}.")
                yield look(demo, observers.prometheus)
            finally:
                # A second Ctrl-C must not leave half of the processes behind.
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                stack.stop(demo, lambda _line: None)


def play_demo(demo: Settings, console: Console) -> None:
    """Play the demo's plan, and return once ClickHouse has everything."""
    with closing(oracle_of(demo)) as oracle:
        oracle.read()
        plan = make_plan(int(time.time() * 1000), SEED, demo.window_ms, oracle.partitions)
        with (
            closing(Player(demo.kafka_bootstrap)) as player,
            edge.traffic(demo),
            progress(console, "playing, records") as update,
        ):
            player.play(plan, PLAY_SECONDS, lambda done: update(done, len(plan.steps)))
        with progress(console, "waiting for ClickHouse, lines") as update:
            settle(oracle, update)


# The demo includes every fault and so misses its targets; the healthy play is an ordinary day.
PLAYS: dict[str, Callable[[Settings, Console], None]] = {"demo": play_demo, "healthy": healthy.play}


def _roll_up(demo: Settings) -> float:
    """Let ClickHouse refresh its rollups now instead of at the minute's end; return the time afterwards (s)."""
    client = connect(demo)
    for view in ("ledger_minutes_refresh", "users_refresh"):
        for verb in ("REFRESH", "WAIT"):
            client.command(f"SYSTEM {verb} VIEW {demo.clickhouse_database}.{view}")
    client.close()
    return time.time()


def look(settings: Settings, prometheus: str | None) -> Shown:
    """Return the ranges that a stack's data spans, at most a day, until now. Raises UserError if there is no data."""
    client = connect(settings, "reader")
    asked = (
        "SELECT toUnixTimestamp64Milli(min(received_at)), toUnixTimestamp64Milli(quantileExact(0.01)(seen_at)), count()"
        f" FROM {settings.clickhouse_database}.impressions WHERE received_at >= now() - INTERVAL 1 DAY"
    )
    try:
        ((received, seen, rows),) = client.query(asked).result_rows
    except ClickHouseError as error:
        raise UserError(f"ClickHouse at {settings.clickhouse_url} has no data of this project: {error}") from None
    finally:
        client.close()
    if not rows:
        raise UserError(f"ClickHouse at {settings.clickhouse_url} has no impression of the last day to show.")
    now = int(time.time() * 1000)
    return Shown(settings, prometheus, (received - PADDING_MS, now), (seen, now))
