"""One store is lost and the other kept, or a table loses rows that the sink has committed."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from random import Random

from streams.embedded import stack
from streams.embedded.kafka import broker
from streams.embedded.run_folder import RunFolder
from tests.faults.case import Fault, case, declare_case
from tests.faults.operate import refuse, succeed
from tests.faults.rows_lost import TABLES, drop_newest
from tests.faults.system import System, catalogue
from tests.support.stack import produce_catalogue

WORKER, SINK = "worker-0", "sink-0"


@case("broker's disk lost, ClickHouse kept", Fault.BROKER_LOST, own=True, calm=True)
def broker_lost(system: System, rng: Random) -> None:
    """`provision` refuses and names `impressions rebuild`; after that, nothing that was seen comes out fresh."""
    with system.traffic(rng, users="returning"):
        system.works(200)
    assert system.verdict().ok

    def lose() -> None:
        shutil.rmtree(broker.data_dir(RunFolder(system.settings.data_dir)))

    with _lost(system, "kafka", lose):
        for _ in range(2):
            assert "impressions rebuild" in refuse(system, "provision")
        succeed(system, "rebuild")
        produce_catalogue(system.settings, catalogue())
    system.heal()
    with system.traffic(rng, users="returning"):
        system.works(200)


@case("ClickHouse's disk lost, broker kept", Fault.CLICKHOUSE_LOST, own=True, calm=True)
def clickhouse_lost(system: System, rng: Random) -> None:
    """The schema is provisioned again, and the sink reads again what Kafka still has, whatever it has committed."""
    with system.traffic(rng, users="returning"):
        system.works(200)
    assert system.verdict().ok
    folder = system.settings.data_dir / "clickhouse"
    with _lost(system, "clickhouse", lambda: _empty(folder, system.settings.writer_password_file)):
        succeed(system, "provision")
    system.heal()
    with system.traffic(rng, users="returning"):
        system.works(200)


@contextmanager
def _lost(system: System, server: str, lose: Callable[[], None]) -> Iterator[None]:
    """Lose a server's disk and start it with an empty one. During the body, neither worker nor sink runs."""
    with ExitStack() as held:
        for name in (WORKER, SINK, server):
            held.enter_context(system.keeper.held(name))
            system.keeper.kill(name)
        lose()
        stack.up(system.settings, [server], out=lambda _: None)
        system.forget_servers()
        yield


def _empty(folder: Path, kept: Path) -> None:
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        elif each != kept:
            each.unlink()


def rows_lost(tables: tuple[str, ...], system: System, rng: Random) -> None:
    """SIGKILL, and the newest part is dropped before the sink comes back: its rows are read again."""
    with system.keeper.held(SINK):
        system.keeper.kill(SINK)
        for table in tables:
            assert drop_newest(system, table) > 0


for _table in TABLES:
    _what = f"Of {_table}. {rows_lost.__doc__}"
    declare_case(f"newest rows of {_table} lost", Fault.ROWS_LOST, partial(rows_lost, (_table,)), _what)
declare_case(
    "newest rows of all tables lost",
    Fault.ROWS_LOST,
    partial(rows_lost, TABLES),
    f"Of every table. {rows_lost.__doc__}",
)
