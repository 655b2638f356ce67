"""The real thing behind the pages: broker, ClickHouse, worker, sink, and a collector for each lane."""

import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from streams.clickhouse.client import connect
from streams.embedded import stack
from streams.embedded.components import Component, component
from streams.embedded.kafka.jars import share_jars
from streams.embedded.kafka.java import require_java
from streams.embedded.ports import free_block, free_pair
from streams.embedded.run_folder import RunFolder
from streams.settings import Settings
from tests.browsers.subjects import ROOT
from tests.support.wait import until

HOST = "127.0.0.1"
SERVERS = ("kafka", "clickhouse", "worker-0", "sink-0")
# From the broker's append to a reader, on a busy machine; usually two seconds.
READABLE_SECONDS, READY_SECONDS = 180.0, 60.0


def browser_settings(settings: Settings, origins: Sequence[str]) -> Settings:
    """Return the settings of the stack: `<data_dir>/browsers`, free ports, and the sites' origins allowed."""
    defaults = Settings.model_construct().model_dump()
    return Settings.model_construct(
        **{
            **defaults,
            "data_dir": settings.data_dir.resolve() / "browsers" / "stack",
            "kafka_bootstrap": f"{HOST}:{free_pair()}",
            "clickhouse_url": f"http://{HOST}:{free_pair()}",
            "metrics_host": HOST,
            "metrics_port": free_block(22),
            "log_level": "WARNING",
            "collector_host": HOST,
            "collector_port": free_block(len(origins)),
            "collector_notice_seconds": 0.0,
            "collector_origins": ",".join(origins),
            "session_timeout_seconds": 6,
        }
    )


@contextmanager
def running(ours: Settings, collectors: int) -> Iterator["Stack"]:
    """Run the stack from an empty folder; stop it whatever happens. The folder, with its logs, stays."""
    require_java()
    folder = RunFolder(ours.data_dir)
    if folder.recorded():
        stack.down(ours, out=_silent)
    shutil.rmtree(ours.data_dir, ignore_errors=True)
    project = RunFolder(ROOT / ".local")
    # Fetched once for all; Maven's cache allows only one at a time.
    with project.lock("jars.lock"):
        share_jars(folder, project, _silent)
    try:
        stack.up(ours, (*SERVERS, *(f"collector-{index}" for index in range(collectors))), out=_silent)
        yield Stack(ours)
    finally:
        stack.down(ours, out=_silent)


class Stack:
    """A running stack, and what readers see in it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def collector(self, index: int) -> "Collector":
        """Return a lane's collector."""
        return Collector(self.settings, index)

    def rows(self, users: Sequence[str]) -> dict[tuple[str, str], int]:
        """Return how many rows readers see of each (user, artwork)."""
        query = (
            f"SELECT user_id, artwork_id, count() FROM {self.settings.clickhouse_database}.impressions "
            "WHERE user_id IN {users:Array(String)} GROUP BY user_id, artwork_id"
        )
        return {(row[0], row[1]): int(row[2]) for row in self._ask(query, users)}

    def read(self, users: Sequence[str], lines: int) -> bool:
        """Return whether readers see what became of so many lines of these users.

        The ledger has them all, and what it calls accepted is there, too: each has a topic of its own, and is inserted
        by itself.
        """
        database = self.settings.clickhouse_database
        query = (
            f"SELECT count() >= {lines} AND sum(accepted) <= (SELECT count() FROM {database}.impressions "
            f"WHERE user_id IN {{users:Array(String)}}) FROM {database}.ledger WHERE user_id IN {{users:Array(String)}}"
        )
        return bool(self._ask(query, users)[0][0])

    def wait_lines(self, users: Sequence[str], lines: int) -> None:
        """Wait until readers see what became of all these lines."""
        until(lambda: self.read(users, lines), READABLE_SECONDS, f"{lines} lines are in the ledger")

    def pause(self, name: str) -> None:
        """SIGSTOP one of SERVERS: it keeps its connections, and answers nobody."""
        self._signal(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """SIGCONT."""
        self._signal(name, signal.SIGCONT)

    def _signal(self, name: str, number: signal.Signals) -> None:
        pid = component(name, self.settings).program.pid
        assert pid is not None
        os.kill(pid, number)

    def _ask(self, query: str, users: Sequence[str]) -> Sequence[Sequence[Any]]:
        with closing(connect(self.settings, "reader")) as client:
            return client.query(query, {"users": list(users)}).result_rows


class Collector:
    """The collector of a lane, which may be killed, stopped, or run with other settings."""

    def __init__(self, settings: Settings, index: int) -> None:
        self._settings, self._index = settings, index
        self._as_it_was: Component = component(f"collector-{index}", settings)
        self._now = self._as_it_was

    @property
    def address(self) -> str:
        """Return its address."""
        return f"http://{self._now.address}"

    @property
    def name(self) -> str:
        """Return its program's name, which is also that of the folder of its failpoints."""
        return self._now.name

    def kill(self) -> None:
        """SIGKILL."""
        pid = self._now.program.pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            self._now.program.ended(READY_SECONDS)

    def wait_dead(self) -> None:
        """Wait until it has died by itself, as a failpoint makes it."""
        assert self._now.program.ended(READY_SECONDS), "the collector has died"

    def pause(self) -> None:
        """SIGSTOP: connections are taken and nothing answers."""
        pid = self._now.program.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        pid = self._now.program.pid
        assert pid is not None
        os.kill(pid, signal.SIGCONT)

    def start(self) -> None:
        """Start it if it doesn't run; return once it is ready."""
        if not self._now.program.is_running:
            self._now.program.start()
        until(self._now.ready, READY_SECONDS, "the collector is ready")

    def replace(self, **changes: Any) -> None:
        """Stop it, and start it with other settings."""
        self._now.program.stop()
        changed = self._settings.model_copy(update=changes)
        self._now = component(f"collector-{self._index}", changed)
        self.start()

    def restore(self) -> None:
        """Have it run as at first."""
        if self._now is not self._as_it_was:
            self._now.program.stop()
            self._now = self._as_it_was
        self.start()


def _silent(_: str) -> None:
    """Say nothing: progress is the scenarios'."""
