"""The embedded ClickHouse as a real process on a free port, and clients of it."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import clickhouse_connect
import urllib3

from tests.support.wait import until

PASSWORD = "it's secret"
# Opening the engine takes about two seconds on an idle machine.
START_SECONDS = 60.0
# urllib3 gives up after three seconds, which a busy machine may need.
ANSWER_SECONDS = 60.0


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ClickHouseProcess:
    """A server process over a data folder; `options` are of `python -m streams.embedded.clickhouse`."""

    def __init__(self, path: Path, port: int, *options: str) -> None:
        self.path = path
        self.port = port
        self.url = f"http://127.0.0.1:{port}/"
        self.log = path.with_name(path.name + ".log")
        command = [sys.executable, "-m", "streams.embedded.clickhouse", "--port", str(port), "--path", str(path)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *options],
                stderr=log,
                stdout=log,
                env={**os.environ, "IMPRESSIONS_CLICKHOUSE_PASSWORD": PASSWORD},
            )

    def ready(self) -> "ClickHouseProcess":
        """Return once it answers."""
        until(self._answers, START_SECONDS, f"ClickHouse answers (see {self.log})")
        return self

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return urllib3.request("GET", f"{self.url}ping", retries=False).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def client(self, user: str = "writer", **options: Any) -> Any:
        """Return clickhouse-connect's HTTP client."""
        password = PASSWORD if user == "writer" else ""
        return clickhouse_connect.get_client(
            host="127.0.0.1", port=self.port, username=user, password=password, **options
        )

    def ask(self, sql: str | bytes = b"", user: str | None = "writer", method: str = "POST", **options: Any) -> Any:
        """Send one plain HTTP request, without credentials for user None; options: `parameters`, `headers`."""
        headers = {"X-ClickHouse-User": user, "X-ClickHouse-Key": PASSWORD if user == "writer" else ""} if user else {}
        headers.update(options.get("headers", {}))
        address = self.url + "?" + urlencode(options.get("parameters", {}))
        body = sql.encode() if isinstance(sql, str) else sql
        return urllib3.request(
            method, address, body=body or None, headers=headers, retries=False, timeout=ANSWER_SECONDS
        )

    def terminate(self) -> int:
        """Send SIGTERM; return the exit code."""
        self.process.terminate()
        return self.process.wait(60)

    def close(self) -> None:
        """End the process, however it is."""
        self.process.kill()
        self.process.wait(10)
