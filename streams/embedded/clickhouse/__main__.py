"""`python -m streams.embedded.clickhouse --port N --path DIR`: the server alone, without the project's settings."""

import argparse
import os
import sys
from pathlib import Path

from streams.embedded.clickhouse.config import ServerConfig
from streams.embedded.clickhouse.server import serve
from streams.errors import UserError
from streams.runtime import log


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def main() -> int:
    """Parse the command line and serve; the writer's password comes from IMPRESSIONS_CLICKHOUSE_PASSWORD."""
    parser = argparse.ArgumentParser(prog="streams.embedded.clickhouse", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, required=True, help="port to listen on")
    parser.add_argument("--path", type=Path, required=True, help="data folder")
    for name, default in (("reader-handles", 4), ("queue-seconds", 10.0), ("send-timeout-seconds", 30.0)):
        parser.add_argument(f"--{name}", type=type(default), default=default)
    parser.add_argument("--body-bytes", type=int, default=ServerConfig.body_bytes)
    parser.add_argument("--tls-port", type=int, default=0, help="port for HTTPS")
    parser.add_argument("--tls-certificate", type=Path, help="its certificate (PEM)")
    parser.add_argument("--tls-key", type=Path, help="its certificate's key (PEM)")
    parser.add_argument("--native-port", type=int, default=0, help="port that refers native clients to HTTP")
    parser.add_argument("--hosts", type=_names, default=(), help="names by which clients reach it, with commas between")
    given = parser.parse_args()
    log.configure()
    try:
        serve(ServerConfig(writer_password=os.environ.get("IMPRESSIONS_CLICKHOUSE_PASSWORD", ""), **vars(given)))
    except UserError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
