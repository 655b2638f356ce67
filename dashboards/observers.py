"""Debian's Prometheus and Alertmanager as processes beside a stack on this machine, with the project's own files."""

import json
import shutil
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dashboards.debian import program
from streams.embedded.components import http_get
from streams.embedded.ports import Address, free_pair
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder

FOLDER = Path(__file__).resolve().parent / "prometheus"
HOST = "127.0.0.1"
READY_SECONDS, GRACE_SECONDS, LOOK_SECONDS = 30.0, 10.0, 0.05
ALERTMANAGER = "prometheus-alertmanager"
# Debian's Alertmanager reads its templates only from there. If the package is only unpacked, they are put there in a
# mount namespace of its own.
SHARED = Path("/usr/share/prometheus")
_IN_PLACE = f'mount -t tmpfs none {SHARED.parent} && cp -r "$0" {SHARED} && exec "$@"'
# Short, so what lasts half a minute is a line and not two points.
SCRAPE_SECONDS = 1
# Opens addresses of this machine, which a proxy that HTTP_PROXY names doesn't know.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Observers:
    """Their addresses; `alertmanager` is empty if it does not run."""

    prometheus: str
    alertmanager: str = ""

    def query(self, expr: str, at: float | None = None) -> list[dict[str, Any]]:
        """Return the result of an instant query: a list of `metric` and `value`. Raises OSError."""
        parameters = {"query": expr} | ({} if at is None else {"time": str(at)})
        found = get(f"{self.prometheus}/api/v1/query?{urllib.parse.urlencode(parameters)}")
        return list(found["data"]["result"])

    def alerts(self) -> list[dict[str, Any]]:
        """Return Prometheus' pending and firing alerts. Raises OSError."""
        return list(get(f"{self.prometheus}/api/v1/alerts")["data"]["alerts"])

    def inhibited(self) -> set[str]:
        """Return the names of alerts that Alertmanager inhibits because of another. Raises OSError."""
        found = get(f"{self.alertmanager}/api/v2/alerts") if self.alertmanager else []
        return {alert["labels"]["alertname"] for alert in found if alert["status"]["inhibitedBy"]}


def get(url: str) -> Any:
    """Return the JSON from one of our addresses. Raises OSError."""
    with DIRECT.open(url, timeout=10) as answer:
        return json.load(answer)


@contextmanager
def observing(
    folder: Path,
    targets: Mapping[str, Sequence[str]],
    *,
    rules: Path | None = FOLDER / "rules.yml",
    alertmanager: bool = False,
    scrape_seconds: int = SCRAPE_SECONDS,
) -> Iterator[Observers]:
    """Scrape `targets` (addresses by job) until the end of the block, with data and logs in `folder`, emptied before.

    Raises UserError if one can't be fetched or does not get ready.
    """
    # Data of an earlier run would be shown too for five minutes.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    port, running = free_pair(), list[Program]()
    try:
        other = ""
        if alertmanager:
            address = Address(HOST, free_pair())
            other = str(address)
            running.append(_start(ALERTMANAGER, folder, _alertmanager(folder, other)))
            _wait_ready(running[-1], address)
        config = folder / "prometheus.yml"
        config.write_text(yaml.safe_dump(configuration(targets, rules, other, scrape_seconds)))
        flags = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}"]
        flags += [f"--web.listen-address={HOST}:{port}"]
        running.append(_start("prometheus", folder, flags))
        _wait_ready(running[-1], Address(HOST, port))
        yield Observers(f"http://{HOST}:{port}", other and f"http://{other}")
    finally:
        for each in reversed(running):
            each.stop(GRACE_SECONDS)


def configuration(
    targets: Mapping[str, Sequence[str]], rules: Path | None, alertmanager: str, scrape_seconds: int
) -> dict[str, Any]:
    """Return Prometheus' configuration for targets on this machine, with the job names of prometheus.yml."""
    every = f"{scrape_seconds}s"
    made: dict[str, Any] = {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": list(addresses)}]} for job, addresses in targets.items()
        ],
    }
    if rules is not None:
        made["rule_files"] = [str(rules)]
    if alertmanager:
        made["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    return made


def _alertmanager(folder: Path, address: str) -> list[str]:
    return [
        f"--config.file={FOLDER / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={address}",
        # No cluster, so no port for it.
        "--cluster.listen-address=",
    ]


def _start(name: str, folder: Path, flags: list[str]) -> Program:
    argv = [program(name, name), *flags]
    shared = Path(argv[0]).parents[1] / "share" / "prometheus"
    if name == ALERTMANAGER and not SHARED.exists():
        argv = ["unshare", "--map-root-user", "--mount", "sh", "-c", _IN_PLACE, str(shared), *argv]
    return Program(name, RunFolder(folder), argv).start()


def _wait_ready(started: Program, address: Address) -> None:
    started.wait_until(lambda: http_get(address, "/-/ready") is not None, READY_SECONDS)


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll until the condition holds; return False if it doesn't in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True
