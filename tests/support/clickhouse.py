"""A real ClickHouse engine for tests: the project's server on a free port, with its data in the test's folder."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from streams.embedded.components import http_get
from streams.embedded.ports import LOOPBACK, Address, free_pair
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from streams.settings import Settings

# A start takes two seconds; this leaves room for machines that are busy with other tests.
START_SECONDS = 60.0
PASSWORD = "of-the-tests"


class Engine:
    """The server as a process that can be stopped and restarted on the same port and data."""

    def __init__(self, folder: Path) -> None:
        self.port = free_pair()
        self.folder = folder
        argv = [sys.executable, "-m", "streams.embedded.clickhouse", "--port", str(self.port)]
        self._program = Program(
            "clickhouse",
            RunFolder(folder),
            [*argv, "--path", str(folder / "store")],
            {"IMPRESSIONS_CLICKHOUSE_PASSWORD": PASSWORD},
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self, **more: object) -> Settings:
        """Return settings that connect to it as the writer; `more` sets further fields by name."""
        return Settings.model_validate(
            {"clickhouse_url": self.url, "IMPRESSIONS_CLICKHOUSE_PASSWORD": PASSWORD, "data_dir": self.folder, **more}
        )

    def client(self, user: str, database: str = "") -> Client:
        """Return a client as an analyst's or another of our processes would create it."""
        return clickhouse_connect.get_client(
            host="127.0.0.1",
            port=self.port,
            username=user,
            password=PASSWORD if user == "writer" else "",
            database=database or "default",
            autogenerate_session_id=False,
        )

    def start(self) -> None:
        """Start the server and return once it answers."""
        address = Address(LOOPBACK, self.port)
        self._program.start().wait_until(lambda: http_get(address, "/ping") is not None, START_SECONDS)

    def stop(self) -> None:
        """Stop the server if it runs."""
        self._program.stop()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Let the server hang within the block: it accepts connections, and answers nothing."""
        self._program.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self._program.send(signal.SIGCONT)

    def kill(self) -> None:
        """Kill the server with SIGKILL, whatever it is doing."""
        self._program.kill()


@contextmanager
def running_engine(folder: Path) -> Iterator[Engine]:
    """Run an engine in `folder`."""
    engine = Engine(folder)
    try:
        engine.start()
        yield engine
    finally:
        engine.stop()
