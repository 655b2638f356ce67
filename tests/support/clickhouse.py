"""A real ClickHouse engine for tests: our server on a free port, its data in a folder of the test's."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from streams.embedded.ports import free_pair
from streams.settings import Settings
from tests.support.wait import until

# Far above the two seconds that a start takes, for machines that are busy with other tests.
START_SECONDS = 60.0
STOP_SECONDS = 30.0
_SERVER = (sys.executable, "-m", "streams.embedded.clickhouse")
PASSWORD = "of-the-tests"


class Engine:
    """The server as a process that can be stopped and started again on the same port and data."""

    def __init__(self, folder: Path) -> None:
        self.port = free_pair()
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self, **more: object) -> Settings:
        """Return settings that lead to it, as the writer; `more` are further ones by field name."""
        return Settings.model_validate(
            {"clickhouse_url": self.url, "IMPRESSIONS_CLICKHOUSE_PASSWORD": PASSWORD, "data_dir": self.folder, **more}
        )

    def client(self, user: str, database: str = "") -> Client:
        """Return a client as an analyst or an own process would make it."""
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
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "clickhouse.log").open("ab") as out:
            self._process = subprocess.Popen(
                [*_SERVER, "--port", str(self.port), "--path", str(self.folder / "store")],
                env=os.environ | {"IMPRESSIONS_CLICKHOUSE_PASSWORD": PASSWORD},
                stdout=out,
                stderr=out,
            )
        until(self._answers, START_SECONDS, "the ClickHouse engine answers")

    def stop(self) -> None:
        """Stop the server if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(STOP_SECONDS)
            self._process = None

    def kill(self) -> None:
        """Kill the server with SIGKILL, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
            self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/ping", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@contextmanager
def running_engine(folder: Path) -> Iterator[Engine]:
    """Run an engine in `folder`."""
    engine = Engine(folder)
    try:
        engine.start()
        yield engine
    finally:
        engine.stop()
