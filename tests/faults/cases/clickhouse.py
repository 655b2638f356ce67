"""ClickHouse is down, slow, killed in the middle of an insert, disconnected before its response, or migrated."""

import signal
import subprocess
import sys
from random import Random

from streams.embedded.components import environment
from streams.runtime.failpoints import Action, Failpoint
from tests.faults.case import Fault, case
from tests.faults.system import System
from tests.support.wait import let_pass

NAME = "clickhouse"
LATEST_HIT = 4
SHORT_SECONDS, LONG_SECONDS = 3.0, 30.0
MINUTES_SECONDS = 150.0


def _down(system: System, offsets: int, seconds: float = 0.0) -> None:
    with system.keeper.held(NAME):
        system.keeper.kill(NAME)
        # The worker keeps deciding meanwhile.
        system.works(offsets)
        let_pass(seconds)


@case("ClickHouse down", Fault.CLICKHOUSE_DOWN)
def down(system: System, rng: Random) -> None:
    """SIGKILL, and down for a few seconds."""
    _down(system, 150)


@case("ClickHouse down for minutes", Fault.CLICKHOUSE_DOWN)
def down_for_minutes(system: System, rng: Random) -> None:
    """SIGKILL, and down for two and a half minutes."""
    _down(system, 150, MINUTES_SECONDS)


@case("ClickHouse killed with an insert's body in hand", Failpoint.CLICKHOUSE_RECEIVED)
def killed_before_storing(system: System, rng: Random) -> None:
    """SIGKILL after the body has arrived, before it is stored."""
    system.wait_fired(system.arm(Failpoint.CLICKHOUSE_RECEIVED, NAME, hit=rng.randint(1, LATEST_HIT)))


@case("ClickHouse killed before its answer", Failpoint.CLICKHOUSE_STORED)
def killed_after_storing(system: System, rng: Random) -> None:
    """SIGKILL after the body is stored, before the response."""
    system.wait_fired(system.arm(Failpoint.CLICKHOUSE_STORED, NAME, hit=rng.randint(1, LATEST_HIT)))


@case("connection cut before an insert is stored", Fault.CONNECTION_CUT)
def cut_before_storing(system: System, rng: Random) -> None:
    """The connection is cut after the body has arrived, and ClickHouse drops the insert: three times."""
    for _ in range(3):
        system.wait_fired(system.arm(Failpoint.CLICKHOUSE_RECEIVED, NAME, Action.CUT, hit=rng.randint(1, LATEST_HIT)))


@case("answer cut off", Fault.CONNECTION_CUT)
def cut_after_storing(system: System, rng: Random) -> None:
    """The connection is cut after the insert is stored, before the response: three times."""
    for _ in range(3):
        system.wait_fired(system.arm(Failpoint.CLICKHOUSE_STORED, NAME, Action.CUT, hit=rng.randint(1, LATEST_HIT)))


def _slow(system: System, seconds: float) -> None:
    fired = system.arm(Failpoint.CLICKHOUSE_RECEIVED, NAME, Action.SLEEP, seconds=seconds)
    system.wait_fired(fired)
    system.works()


@case("ClickHouse slow", Fault.CLICKHOUSE_SLOW)
def slow(system: System, rng: Random) -> None:
    """An insert takes three seconds longer."""
    _slow(system, SHORT_SECONDS)


@case("ClickHouse slow by 30 s", Fault.CLICKHOUSE_SLOW)
def slow_by_30_seconds(system: System, rng: Random) -> None:
    """Two inserts take 30 seconds longer."""
    for _ in range(2):
        _slow(system, LONG_SECONDS)
        system.flows()


@case("ClickHouse stands still", Fault.CLICKHOUSE_SLOW)
def stopped(system: System, rng: Random) -> None:
    """SIGSTOP while the worker continues, then SIGCONT."""
    system.keeper.signal(NAME, signal.SIGSTOP)
    system.works(600)
    system.keeper.signal(NAME, signal.SIGCONT)


@case("schema migrated while the sink runs", Fault.SCHEMA_MIGRATED)
def migrated(system: System, rng: Random) -> None:
    """All migrations are applied again, as `impressions provision` of a new version would, and a column is added."""
    argv = [sys.executable, "-m", "streams", "provision"]
    subprocess.run(argv, env=environment(system.settings), check=True, capture_output=True)
    add = "ALTER TABLE impressions.ledger_raw ADD COLUMN IF NOT EXISTS note String DEFAULT ''"
    system.write(add)
    system.flows()
    system.write("ALTER TABLE impressions.ledger_raw DROP COLUMN note")
