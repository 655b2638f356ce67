"""Every command of the runbooks, run exactly as written on a working stack."""

from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from streams.settings import Settings
from tests.support import load
from tests.support.documented import ROOT, Done, commands, run
from tests.support.load import Raw, at_home, flush, impression, now_ms
from tests.support.stack import stack_settings
from tests.support.wait import until

pytestmark = pytest.mark.integration

RUNBOOKS = (ROOT / "docs" / "operate" / "runbooks.md").read_text()
SECONDS = 60.0
ROWS = "curl -s http://127.0.0.1:9102/metrics | grep -E '^impressions_sink_rows_total.*(ledger|rejected)'"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A stack that has read a flush with telemetry, a line that can't be parsed, and a flush by HTTP."""
    settings = stack_settings(tmp_path_factory.mktemp("runbooks"))
    started = run("impressions up", settings)
    assert started.returncode == 0, started.stderr
    telemetry = {"attempts": 3, "failures": 2, "queued": 1, "dropped": 1}
    good = flush("looked-at", [impression("a0001", now_ms())], transport="fetch", telemetry=telemetry)
    load.produce(settings, [at_home("looked-at", good), Raw(0, b"nothing")])
    record(settings, flush("by-http", [impression("a0001", now_ms())]) + b"\n{}\n")
    until(lambda: len(run(ROWS, settings).stdout.splitlines()) == 2, SECONDS, "the rows are in ClickHouse")
    yield settings
    assert run("impressions down", settings).returncode == 0


def record(settings: Settings, body: bytes) -> None:
    """Send to the collector a flush, and a line that names no user."""
    connection = HTTPConnection("127.0.0.1", settings.collector_port, timeout=SECONDS)
    connection.request("POST", "/v1/impressions", body, {"Content-Type": "text/plain"})
    assert connection.getresponse().status == 202
    connection.close()


@pytest.mark.parametrize("command", dict.fromkeys(commands(RUNBOOKS)))
def test_every_command_works(command: str, settings: Settings) -> None:
    done: Done = run(command, settings)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    # ClickHouse reports errors in its answer.
    assert "DB::Exception" not in done.stdout


def test_the_queries_find_what_they_look_for(settings: Settings) -> None:
    (failures,) = (line for line in commands(RUNBOOKS) if "all_failures > 0" in line)
    assert "fetch" in run(failures, settings).stdout
    (payloads,) = (line for line in commands(RUNBOOKS) if "substring(payload" in line)
    assert "nothing" in run(payloads, settings).stdout
