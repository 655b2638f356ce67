"""The components of the background stack: their addresses, commands and readiness checks."""

import http.client
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from streams.embedded.kafka import broker
from streams.embedded.ports import Address, kafka_address, require_free
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from streams.errors import UserError
from streams.paths import PACKAGE
from streams.runtime import members
from streams.runtime.loopback import is_loopback
from streams.settings import Settings

# The project's example of a page with a recorder; an installed package has none.
GALLERY = PACKAGE.parent / "examples" / "gallery"
# What records and counts; producers that speak Kafka need no more.
PIPELINE = ("kafka", "clickhouse", "worker-0", "sink-0")
DEFAULT = (*PIPELINE, "collector-0")

# One attempt of a request while a server starts.
TRY_SECONDS = 2.0
# A server that has not answered by then has a problem that its log shows.
SERVER_SECONDS = 60.0
# A worker recovers its tables first: this takes minutes after the loss of a large local store.
WORKER_SECONDS = 600.0


@dataclass(frozen=True)
class Component:
    """One program of the stack. A `tier` starts once the tier below is ready; stops are in reverse order."""

    program: Program
    tier: int
    address: Address
    prepare: Callable[[Callable[[str], None]], None]
    ready: Callable[[], bool]
    patience: float

    @property
    def name(self) -> str:
        """Return the program's name."""
        return self.program.name


def component(name: str, settings: Settings) -> Component:
    """Return the component with this name. Raises UserError for an unknown name."""
    if name == "kafka":
        return _kafka(settings)
    if name == "clickhouse":
        return _clickhouse(settings)
    found = re.fullmatch(r"(worker|sink|collector)-(0|[1-9]\d{0,2})", name)
    if found is None:
        raise UserError(
            f"There is no component {name!r}: they are kafka, clickhouse, worker-N, sink-N and collector-N, as in "
            "worker-0."
        )
    if found[1] == "collector":
        return _collector(int(found[2]), settings)
    return _python(found[1], int(found[2]), settings)


def gallery(settings: Settings) -> Path | None:
    """Return the folder of the gallery that collectors serve: the one that is set, or a checkout's own.

    The checkout's is for this machine alone, and for recording without a token, as its pages do.
    """
    own = GALLERY if is_loopback(settings.collector_host) and settings.token_key_file is None else None
    return settings.collector_gallery or (own if own is not None and (own / "index.html").is_file() else None)


def external(name: str, settings: Settings) -> str | None:
    """Return the sentence that says why we don't start a server; None if we do."""
    if name == "kafka" and kafka_address(settings) is None:
        return f"kafka: not embedded, IMPRESSIONS_KAFKA_BOOTSTRAP names {settings.kafka_bootstrap}"
    if name == "clickhouse" and not is_loopback(settings.clickhouse_address[0]):
        return f"clickhouse: not embedded, IMPRESSIONS_CLICKHOUSE_URL names {settings.clickhouse_url}"
    return None


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables that give a child process exactly these settings, whatever its working directory."""
    values = settings.model_dump(exclude={"clickhouse_password_value"})
    values |= {name: value.resolve() for name, value in values.items() if isinstance(value, Path)}
    values["clickhouse_password"] = settings.clickhouse_password_value
    return {f"IMPRESSIONS_{name.upper()}": str(value) for name, value in values.items() if value is not None}


def command_line(name: str, settings: Settings, *arguments: str) -> Program:
    """Return a program that runs a command of `impressions` with exactly these settings."""
    argv = [sys.executable, "-m", "streams", *arguments]
    return Program(name, RunFolder(settings.data_dir), argv, environment(settings))


def http_get(address: Address, path: str) -> str | None:
    """Return the body of a 200 answer; None for anything else. Proxies are not used: these are loopback servers."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=TRY_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
        return body if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def gauge_is_one(metrics: str, name: str) -> bool:
    """Return whether a Prometheus exposition has this gauge, with or without labels, at 1."""
    return re.search(rf"^{re.escape(name)}(\{{[^}}]*\}})? 1(\.0)?$", metrics, re.MULTILINE) is not None


def _kafka(settings: Settings) -> Component:
    return Component(
        program=broker.program(RunFolder(settings.data_dir)),
        tier=0,
        address=broker.embedded_address(settings),
        prepare=lambda out: broker.prepare(settings, out),
        ready=lambda: broker.is_ready(settings),
        patience=SERVER_SECONDS,
    )


def _clickhouse(settings: Settings) -> Component:
    address = Address(*settings.clickhouse_address)

    def prepare(out: Callable[[str], None]) -> None:
        require_free(address, "the embedded ClickHouse", "IMPRESSIONS_CLICKHOUSE_URL")
        # Before the server starts, so server and migrations can't each generate their own secret.
        settings.ensure_writer_password()

    return Component(
        program=command_line("clickhouse", settings, "clickhouse"),
        tier=0,
        address=address,
        prepare=prepare,
        ready=lambda: http_get(address, "/ping") is not None,
        patience=SERVER_SECONDS,
    )


def _python(kind: str, index: int, settings: Settings) -> Component:
    address = Address(settings.metrics_host, members.port(settings, kind, index))

    def ready() -> bool:
        return gauge_is_one(http_get(address, "/metrics") or "", f"impressions_{kind}_ready")

    return Component(
        program=command_line(f"{kind}-{index}", settings, kind, "--index", str(index)),
        tier=1,
        address=address,
        prepare=lambda out: require_free(address, f"{kind} {index}'s metrics", "IMPRESSIONS_METRICS_PORT"),
        ready=ready,
        patience=WORKER_SECONDS,
    )


def _collector(index: int, settings: Settings) -> Component:
    host = settings.collector_host
    # What listens on every address is asked on this machine's own.
    address = Address({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), members.port(settings, "collector", index))
    shown = settings.model_copy(update={"collector_gallery": gallery(settings)})
    return Component(
        program=command_line(f"collector-{index}", shown, "collector", "--index", str(index)),
        tier=1,
        address=address,
        prepare=lambda out: require_free(address, f"collector {index}", "IMPRESSIONS_COLLECTOR_PORT"),
        ready=lambda: http_get(address, "/readyz") is not None,
        patience=SERVER_SECONDS,
    )
