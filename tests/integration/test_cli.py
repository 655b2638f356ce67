"""The command line: when it can't do something, it says so in one sentence and without a stack trace."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from streams import __version__
from streams.embedded.components import environment
from streams.embedded.ports import free_pair
from streams.runtime.exit import EXIT_CONFIG, EXIT_RESTART
from tests.support.kafka import running_broker
from tests.support.stack import Installation

pytestmark = pytest.mark.integration

SECONDS = 120.0
# The contract's commands that exist.
COMMANDS = {"up", "down", "status", "provision", "worker", "sink", "collector", "clickhouse"}
COMMANDS |= {"produce", "settings", "doctor"}


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `impressions` as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "streams", *arguments],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def sentence(done: subprocess.CompletedProcess[str], code: int = 2) -> str:
    """The one line on stderr of a command that exited with 2, or with another code."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    return line


def test_help_names_each_command_with_an_example() -> None:
    listed = run("--help")
    assert listed.returncode == 0
    names = set(re.findall(r"^  ([a-z]+) ", listed.stdout, re.MULTILINE))
    assert names >= COMMANDS
    assert "pool" not in names, "what is not built is absent"
    for name in sorted(COMMANDS & {"worker", "provision", "produce"}):
        assert f"impressions {name}" in run(name, "--help").stdout


def test_settings_are_listed_without_passwords() -> None:
    done = run("settings", IMPRESSIONS_LATENESS_SECONDS="60", IMPRESSIONS_CLICKHOUSE_PASSWORD="hunter2")
    assert "IMPRESSIONS_LATENESS_SECONDS=60" in done.stdout
    assert "IMPRESSIONS_CLICKHOUSE_PASSWORD=(set)" in done.stdout
    assert "hunter2" not in done.stdout


@pytest.mark.parametrize(
    ("variable", "value"), [("IMPRESSIONS_DEDUPE_WINDOW_SECONDS", "soon"), ("IMPRESSIONS_STATE_STORE", "paper")]
)
def test_a_wrong_setting_is_named(variable: str, value: str) -> None:
    assert variable in sentence(run("settings", **{variable: value}))


def nowhere(folder: Path) -> dict[str, str]:
    """Settings with which no broker is found."""
    return {
        "IMPRESSIONS_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "IMPRESSIONS_DATA_DIR": str(folder),
        "IMPRESSIONS_METRICS_PORT": str(free_pair()),
    }


def test_without_a_broker_the_error_is_one_sentence(tmp_path: Path) -> None:
    assert "127.0.0.1:1" in sentence(run("provision", **nowhere(tmp_path)))


@pytest.mark.parametrize("command", ["worker", "sink"])
def test_without_a_broker_a_process_logs_a_misspelt_setting_and_ends_with_a_sentence(
    command: str, tmp_path: Path
) -> None:
    done = run(command, **nowhere(tmp_path), IMPRESSIONS_KAFKA_PASWORD_FILE="hush")
    assert done.returncode == EXIT_RESTART
    assert "Traceback" not in done.stdout + done.stderr
    misspelt, why = done.stderr.splitlines()
    logged = json.loads(misspelt)
    assert (logged["event"], logged["variable"], logged["nearest"]) == (
        "setting_unknown", "IMPRESSIONS_KAFKA_PASWORD_FILE", "IMPRESSIONS_KAFKA_PASSWORD_FILE"
    )  # fmt: skip
    assert "hush" not in done.stderr
    assert "127.0.0.1:1" in why


@pytest.mark.parametrize("command", ["worker", "sink", "collector"])
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("IMPRESSIONS_STALL_SECONDS", "soon"),
        ("IMPRESSIONS_KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),  # without a user
    ],
)
def test_a_worker_or_sink_with_a_wrong_setting_is_refused_with_78(
    command: str, variable: str, value: str, tmp_path: Path
) -> None:
    done = run(command, IMPRESSIONS_DATA_DIR=str(tmp_path), **{variable: value})
    assert "IMPRESSIONS_" in sentence(done, EXIT_CONFIG)


@pytest.mark.parametrize("command", ["worker", "sink"])
def test_a_topic_that_is_missing_may_come_back(command: str, tmp_path: Path) -> None:
    """As between its deletion and its re-creation: a supervisor that knows 78 must not give up."""
    with running_broker(tmp_path) as settings:
        done = run(command, **environment(settings))
    assert "There is no topic" in sentence(done, EXIT_RESTART)


def test_the_version_is_shown() -> None:
    assert run("--version").stdout.startswith(f"impressions {__version__}")


def test_provisioning_again_finds_nothing_to_do(installation: Installation) -> None:
    done = run("provision", **environment(installation.settings))
    assert done.returncode == 0, done.stderr
    # Log lines go to stderr.
    assert {line[0] for line in done.stdout.splitlines()} <= {"=", "?"}  # notes are about what other tests left


def test_a_port_in_use_is_named(installation: Installation) -> None:
    installation.only_worker()
    taken = str(installation.settings.metrics_port)
    done = run("worker", "--index", "0", **environment(installation.settings))
    assert f"Port {taken}" in sentence(done, EXIT_CONFIG)
    assert "IMPRESSIONS_METRICS_PORT" in done.stderr


def test_status_shows_what_runs(installation: Installation) -> None:
    done = run("status", **environment(installation.settings))
    kafka = next(line for line in done.stdout.splitlines() if line.startswith("kafka"))
    assert installation.settings.kafka_bootstrap in kafka
    assert " up " in kafka


def test_up_refuses_an_unknown_component(tmp_path: Path) -> None:
    assert "worker-N" in sentence(run("up", "zookeeper", IMPRESSIONS_DATA_DIR=str(tmp_path)))
