"""Java, Maven, ports and settings of the embedded stack: one sentence for each thing that is missing."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from streams.embedded import doctor, ports
from streams.embedded.components import component, environment, external, gauge_is_one
from streams.embedded.kafka import java
from streams.embedded.kafka.broker import escaped
from streams.embedded.kafka.jars import libs_dir
from streams.embedded.ports import Address
from streams.embedded.run_folder import RunFolder
from streams.embedded.tool import run
from streams.errors import UserError
from streams.settings import Settings
from tests.support import leftovers


def tool(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder of PATH, which contains only what the test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tmp_path


def test_a_missing_java_names_the_package(path: Path) -> None:
    with pytest.raises(UserError, match="openjdk-17-jre-headless"):
        java.require_java()


@pytest.mark.parametrize(
    ("first_line", "version"),
    [('openjdk version "11.0.2" 2019-01-15', 11), ('java version "1.8.0_292"', 8)],
)
def test_an_old_java_names_its_version_and_the_package(path: Path, first_line: str, version: int) -> None:
    tool(path, "java", f"echo '{first_line}' >&2")
    with pytest.raises(UserError, match=rf"is {version}: install Debian's openjdk-17"):
        java.require_java()


def test_a_java_that_does_not_run_counts_as_missing(path: Path) -> None:
    tool(path, "java", "echo 'Unable to locate a Java Runtime.' >&2; exit 1")
    with pytest.raises(UserError, match="there is none"):
        java.require_java()


@pytest.mark.parametrize("line", ['openjdk version "17.0.15" 2025-04-15', 'openjdk version "25" 2025-09-16'])
def test_a_new_enough_java_is_accepted(path: Path, line: str) -> None:
    tool(path, "java", f"echo '{line}' >&2")
    assert java.require_java() == str(path / "java")


def test_java_home_comes_before_the_path(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path / "home" / "bin").mkdir(parents=True)
    tool(path / "home" / "bin", "java", "true")
    tool(path, "java", "true")
    monkeypatch.setenv("JAVA_HOME", str(path / "home"))
    assert java.find_java() == str(path / "home" / "bin" / "java")


@pytest.mark.parametrize(("codeset", "added"), [("UTF-8", {}), ("ANSI_X3.4-1968", {"LC_ALL": "C.UTF-8"})])
def test_java_gets_a_locale_that_has_every_letter(
    codeset: str, added: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("locale.nl_langinfo", lambda _: codeset)
    monkeypatch.setattr("sys.platform", "linux")
    assert java.java_environment() == added


@pytest.mark.parametrize(
    ("folder", "written"),
    [
        ("/a b/c", "/a b/c"),
        ("/caf\u00e9", r"/caf\u00e9"),
        ("/a\\b", r"/a\\b"),
        # Java's letters have 16 bits.
        ("/\U0001f600", r"/\ud83d\ude00"),
    ],
)
def test_a_folder_is_written_as_java_reads_a_properties_file(folder: str, written: str) -> None:
    assert escaped(folder) == written


def test_a_tool_returns_its_output_and_gets_our_environment_and_what_is_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "1")
    done = run(["sh", "-c", "echo $OURS $ADDED; echo wrong >&2; exit 3"], environment={"ADDED": "2"})
    assert (done.returncode, done.stdout, done.stderr) == (3, "1 2\n", "wrong\n")
    with (tmp_path / "log").open("wb") as log:
        run(["sh", "-c", "echo one; echo two >&2"], output=log)
    assert (tmp_path / "log").read_text() == "one\ntwo\n"


def test_a_tool_that_takes_too_long_is_ended() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run(["sleep", "600"], seconds=0.01, environment={"LATE_TOOL": str(os.getpid())})
    assert leftovers.carrying(f"LATE_TOOL={os.getpid()}") == []


def test_a_missing_maven_names_the_package(path: Path) -> None:
    with pytest.raises(UserError, match="Debian's maven"):
        java.require_maven()


@pytest.mark.parametrize(
    ("bootstrap", "address"),
    [
        ("127.0.0.1:9092", Address("127.0.0.1", 9092)),
        ("localhost:1", Address("localhost", 1)),
        ("[::1]:9092", Address("::1", 9092)),
        ("broker.example:9092", None),
        ("10.0.0.1:9092", None),
        ("127.0.0.1:9092,127.0.0.1:9192", None),
    ],
)
def test_the_embedded_broker_is_the_one_on_loopback(bootstrap: str, address: Address | None) -> None:
    assert ports.kafka_address(Settings(kafka_bootstrap=bootstrap)) == address


@pytest.mark.parametrize(
    "bootstrap", ["", "localhost", "localhost:", ":9092", "localhost:x", "a:1,b", "a:0", "a:65536"]
)
def test_a_bootstrap_that_is_not_an_address_is_refused(bootstrap: str) -> None:
    with pytest.raises(UserError, match="IMPRESSIONS_KAFKA_BOOTSTRAP is wrong"):
        ports.kafka_address(Settings(kafka_bootstrap=bootstrap))


def test_a_port_in_use_names_the_port_and_the_setting() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UserError, match=rf"Port {port} of 127.0.0.1.*IMPRESSIONS_X"):
            ports.require_free(Address("127.0.0.1", port), "something", "IMPRESSIONS_X")
    ports.require_free(Address("127.0.0.1", port), "something", "IMPRESSIONS_X")


def test_ports_are_reserved_for_one_process_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    script = "from streams.embedded.ports import free_pair; print(free_pair(), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=-1, stdout=-1) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        monkeypatch.setattr(ports, "OWN_PORTS", (port, port + 2))
        with pytest.raises(UserError, match="No 2 neighbouring free ports"):
            ports.free_pair()
        other.kill()
    assert ports.free_pair() == port
    with pytest.raises(UserError, match="No 2 neighbouring free ports"):
        ports.free_pair()


def test_servers_elsewhere_are_not_started() -> None:
    settings = Settings(kafka_bootstrap="k:9092", clickhouse_url="https://c:8443")
    assert "IMPRESSIONS_KAFKA_BOOTSTRAP" in (external("kafka", settings) or "")
    assert "IMPRESSIONS_CLICKHOUSE_URL" in (external("clickhouse", settings) or "")
    assert external("worker-0", settings) is None
    assert external("kafka", Settings()) is None


def test_each_collector_has_its_own_port() -> None:
    settings = Settings(collector_port=20_000)
    assert [component(f"collector-{n}", settings).address.port for n in (0, 1, 12)] == [20_000, 20_001, 20_012]


def test_each_worker_and_sink_has_its_own_metrics_port() -> None:
    settings = Settings(metrics_port=20_000)
    found = [component(name, settings).address.port for name in ("worker-0", "sink-0", "worker-1", "sink-12")]
    assert found == [20_000, 20_001, 20_010, 20_121]


@pytest.mark.parametrize("name", ["worker", "worker-", "worker-01", "worker--1", "collector", "sink-x", "worker-1000"])
def test_a_name_that_is_not_a_component_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="kafka, clickhouse, worker-N, sink-N and collector-N"):
        component(name, Settings())


def test_a_child_reads_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.model_validate(
        {"data_dir": tmp_path, "sink_flush_seconds": 0.25, "IMPRESSIONS_CLICKHOUSE_PASSWORD": "s3cret"}
    )
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings.load() == settings


@pytest.mark.parametrize(
    ("line", "ready"),
    [
        ("impressions_worker_ready 1.0", True),
        ("impressions_worker_ready 1", True),
        ('impressions_worker_ready{worker="0"} 1.0', True),
        ("impressions_worker_ready 0.0", False),
        ("impressions_worker_ready_seconds 1.0", False),
        ("# impressions_worker_ready 1.0", False),
        ("", False),
    ],
)
def test_ready_means_that_the_gauge_is_one(line: str, ready: bool) -> None:
    assert gauge_is_one(f"a 1\n{line}\nb 1\n", "impressions_worker_ready") is ready


def test_doctor_says_what_is_missing_and_how_to_get_it(path: Path, tmp_path: Path) -> None:
    checks = {check.name: check for check in doctor.doctor(Settings(data_dir=tmp_path))}
    assert not checks["Java 17+"].ok
    assert "openjdk-17-jre-headless" in checks["Java 17+"].hint
    assert not checks["Maven"].ok
    assert checks["Maven"].required
    assert checks["Python"].ok
    assert not doctor.well(list(checks.values()))


def test_doctor_looks_for_what_the_server_needs_and_not_for_development_tools() -> None:
    needed = ["orjson>=3", 'chdb>=4; extra == "server"', 'faust==0.15; python_version < "4" and extra == "server"']
    assert doctor.server_packages([*needed, 'pytest; extra == "dev"']) == ["orjson", "chdb", "faust"]


def test_doctor_does_not_need_maven_once_the_jars_are_fetched(path: Path, tmp_path: Path) -> None:
    libs_dir(RunFolder(tmp_path)).mkdir(parents=True)
    (maven,) = [check for check in doctor.doctor(Settings(data_dir=tmp_path)) if check.name == "Maven"]
    assert doctor.well([maven])
    lines: list[str] = []
    doctor.report([maven], lines.append)
    assert lines[0].startswith("absent  Maven")
    assert "Debian's maven" in lines[1]
