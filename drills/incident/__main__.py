"""`python -m drills.incident`: a quarter of an hour of trouble, seen in metrics, alerts and dashboards.

ClickHouse is down for two minutes, a tenth of what arrives is malformed, and every user sees all of a small pool. The
alerts are the project's own. What happened goes into docs/operate/incidents.md, with pictures beside it.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Sequence

from dashboards.observers import Observers, observing, until
from dashboards.preview.pictures import Picture, of_stack
from drills.incident.load import SMALL_POOL, USERS, Load, catalogue
from drills.incident.report import PICTURES, Balance, write
from drills.incident.timeline import Timeline
from streams.clickhouse.client import connect
from streams.embedded import stack
from streams.embedded.ports import free_pair
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from streams.errors import UserError
from streams.runtime import log
from streams.settings import Settings

CLICKHOUSE = "clickhouse"
HOST = "127.0.0.1"
# Seconds after the start. An alert waits at most ten minutes.
FLOOD, DOWN, UP, CALM, END = 60.0, 120.0, 240.0, 480.0, 960.0
EXPECTED = {"ImpressionsSinkWaiting", "ImpressionsRejectedSpike", "ImpressionsPoolExhaustion"}
SETTLE_SECONDS = 60.0
METRICS = {
    "sink waits": "max(impressions_sink_waiting)",
    "ClickHouse lags by (s)": "max(impressions_sink_lag_seconds)",
    "share of received that is rejected": "impressions:rejected:ratio5m",
    "impressions decided in 15 s": "sum(increase(impressions_worker_impressions_total[15s]))",
    "users at 95 % of `small` or more": 'max(impressions_kpi_users_above{pool="small",coverage="0.95"})',
    "freshness of `main`": 'max(impressions_kpi_freshness_ratio{pool="main"})',
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run it. Return 0 if every alert was seen and nothing was lost, else 1; 2 for what the user can fix."""
    parser = argparse.ArgumentParser(prog="python -m drills.incident", description=__doc__.split("\n", 1)[0])
    parser.parse_args(argv)
    log.configure("WARNING")
    try:
        problems = run(Settings.load())
    except UserError as error:
        say(str(error))
        return 2
    for problem in problems:
        say(problem)
    return 1 if problems else 0


def run(settings: Settings) -> list[str]:
    """Start everything, cause the faults, write the page, stop everything; return what was not as expected."""
    ours = own(settings)
    if ours.data_dir.exists():
        stack.down(ours, out=lambda _: None)
        shutil.rmtree(ours.data_dir)
    try:
        stack.up(ours, out=say)
        catalogue(ours)
        targets = {
            "worker": [f"{HOST}:{ours.metrics_port}"],
            "sink": [f"{HOST}:{ours.metrics_port + 1}"],
        }
        with observing(ours.data_dir / "observers", targets, alertmanager=True) as observers:
            return happen(ours, observers)
    finally:
        stack.down(ours, out=lambda _: None)


def own(settings: Settings) -> Settings:
    """Return the settings of the drill's own stack."""
    return settings.model_copy(
        update={
            "data_dir": settings.data_dir.resolve() / "incident",
            "kafka_bootstrap": f"{HOST}:{free_pair()}",
            "clickhouse_url": f"http://{HOST}:{free_pair()}",
            "metrics_port": free_pair(),
            "metrics_host": HOST,
        }
    )


def happen(settings: Settings, observers: Observers) -> list[str]:
    """Cause the three faults, watch, and write the page."""
    timeline, load = Timeline(observers, say), Load(settings)

    def show(suffix: str, uids: Sequence[str]) -> list[Picture]:
        span = (int(timeline.begun * 1000), int(time.time() * 1000))
        return of_stack(settings, observers.prometheus, uids, span, PICTURES, f"-{suffix}", ("dark",))

    looking = timeline.start()
    timeline.note(
        f"{USERS} users begin to look, at one artwork a second each; a pool of {SMALL_POOL} is part of what they see"
    )
    load.start()
    wait(timeline, FLOOD)
    load.flooding.set()
    timeline.note("from now on, a tenth of what arrives is malformed")
    wait(timeline, DOWN)
    Program(CLICKHOUSE, RunFolder(settings.data_dir)).stop()
    timeline.note("ClickHouse is stopped")
    wait(timeline, UP - 20)
    facts = {"ClickHouse is down": measured(observers)}
    shown = show("clickhouse-down", ["impressions-pipeline"])
    wait(timeline, UP)
    stack.up(settings, (CLICKHOUSE,), out=lambda _: None)
    timeline.note("ClickHouse is started again")
    wait(timeline, CALM)
    facts["a tenth is malformed"] = measured(observers)
    shown += show("flood", ["impressions-delivery"])
    load.flooding.clear()
    timeline.note("nothing is malformed any more")
    wait(timeline, END)
    facts["the pool has run dry"] = measured(observers)
    shown += show("pool-dry", ["impressions-overview", "impressions-coverage"])
    load.finish()
    balance = settle(settings, load)
    timeline.finish()
    looking.join()
    write(timeline.events, facts, sorted(timeline.inhibited), balance, [each.file for each in shown if each.file])
    missing = sorted(EXPECTED - timeline.fired)
    return [
        *([f"Not fired: {', '.join(missing)}."] if missing else []),
        *([f"Prometheus did not answer: {timeline.problem}."] if timeline.problem else []),
        *([] if balance.right else [f"What arrived is not what was sent: {balance}."]),
    ]


def wait(timeline: Timeline, seconds: float) -> None:
    """Return that many seconds after the start: the faults keep their times, whatever the machine does."""
    time.sleep(max(0.0, timeline.begun + seconds - time.time()))


def measured(observers: Observers) -> dict[str, str]:
    """Return the metrics' current values."""
    found = {name: observers.query(expr) for name, expr in METRICS.items()}
    return {name: f"{float(rows[0]['value'][1]):,.3g}" if rows else "no figure" for name, rows in found.items()}


def settle(settings: Settings, load: Load) -> Balance:
    """Wait until ClickHouse has everything that was sent, and return what it has."""
    client = connect(settings, "reader")
    sent = load.impressions + load.rubbish

    def balance() -> Balance:
        ((received, accepted, rejected, duplicates),) = client.query(
            "SELECT sum(received), sum(accepted), sum(rejected), sum(duplicates)"
            f" FROM {settings.clickhouse_database}.ledger"
        ).result_rows
        return Balance(sent, load.rubbish, received, accepted, rejected, duplicates)

    until(lambda: balance().received >= sent, SETTLE_SECONDS)
    return balance()


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
