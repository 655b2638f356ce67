"""The embedded ClickHouse as a real process on a free port, and clients for it."""

import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import clickhouse_connect
import urllib3

from streams.embedded.components import http_get
from streams.embedded.ports import LOOPBACK, Address
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder

PASSWORD = "it's secret"
# Opening the engine takes about two seconds on an idle machine.
START_SECONDS = 60.0
# urllib3 gives up after three seconds, which a busy machine may need.
ANSWER_SECONDS = 60.0


class ClickHouseProcess(Program):
    """A started server process over a data folder; `options` are those of `python -m streams.embedded.clickhouse`."""

    def __init__(self, path: Path, port: int, *options: str) -> None:
        self.path = path
        self.port = port
        self.url = f"http://127.0.0.1:{port}/"
        argv = [sys.executable, "-m", "streams.embedded.clickhouse", "--port", str(port), "--path", str(path), *options]
        super().__init__("clickhouse", RunFolder(path.parent), argv, {"IMPRESSIONS_CLICKHOUSE_PASSWORD": PASSWORD})
        self.start()

    def ready(self) -> "ClickHouseProcess":
        """Return once the server answers."""
        self.wait_until(lambda: http_get(Address(LOOPBACK, self.port), "/ping") is not None, START_SECONDS)
        return self

    def client(self, user: str = "writer", **options: Any) -> Any:
        """Return clickhouse-connect's HTTP client."""
        password = PASSWORD if user == "writer" else ""
        return clickhouse_connect.get_client(
            host="127.0.0.1", port=self.port, username=user, password=password, **options
        )

    def ask(self, sql: str | bytes = b"", user: str | None = "writer", method: str = "POST", **options: Any) -> Any:
        """Send one plain HTTP request, without credentials if `user` is None; options: `parameters`, `headers`."""
        headers = {"X-ClickHouse-User": user, "X-ClickHouse-Key": PASSWORD if user == "writer" else ""} if user else {}
        headers.update(options.get("headers", {}))
        address = self.url + "?" + urlencode(options.get("parameters", {}))
        body = sql.encode() if isinstance(sql, str) else sql
        return urllib3.request(
            method, address, body=body or None, headers=headers, retries=False, timeout=ANSWER_SECONDS
        )
