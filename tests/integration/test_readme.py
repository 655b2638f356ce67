"""Every command of the README, run as it stands there, in a data folder and on ports of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.embedded import process
from streams.settings import Settings
from tests.support.stack import stack_settings

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
# The demo starts a stack and plays for about 20 s; anything else is far quicker.
LONGEST_SECONDS = 280
# This is the run of `make test`.
NOT_AGAIN = {"make test"}


def blocks(language: str) -> list[str]:
    """The README's fenced blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


COMMANDS = [line for block in blocks("bash") for line in block.splitlines()]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Where the README's commands find their stack."""
    settings = stack_settings(tmp_path_factory.mktemp("readme"))
    yield settings
    run("make down", settings)


def run(command: str, settings: Settings) -> subprocess.CompletedProcess[str]:
    """Run a line in a shell, in the checkout. The README's ports are those of a machine with nothing else on it."""
    environment = os.environ | {
        "IMPRESSIONS_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "IMPRESSIONS_CLICKHOUSE_URL": settings.clickhouse_url,
        "IMPRESSIONS_DATA_DIR": str(settings.data_dir),
        "IMPRESSIONS_METRICS_PORT": str(settings.metrics_port),
    }
    text = on_our_ports(command, settings)
    return subprocess.run(
        ["bash", "-c", text],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )


def on_our_ports(text: str, settings: Settings) -> str:
    """The text with the stack's addresses, and this interpreter where the README has the checkout's own."""
    moved = text.replace("http://127.0.0.1:8123", settings.clickhouse_url)
    moved = moved.replace("127.0.0.1:9092", settings.kafka_bootstrap)
    scripts = Path(sys.executable).parent
    return moved.replace(".venv/bin/", f"{scripts}/")


def test_the_readme_shows_the_two_commands_first() -> None:
    assert COMMANDS[:2] == ["make demo", "make test"]


@pytest.mark.timeout(LONGEST_SECONDS + 20)
@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in NOT_AGAIN])
def test_every_command_works(command: str, settings: Settings) -> None:
    """In their order: what one makes, the next one uses."""
    done = run(command, settings)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    if command == "make down":
        assert process.recorded(settings) == []


@pytest.mark.timeout(LONGEST_SECONDS)
def test_the_python_example_works(settings: Settings) -> None:
    assert run("make up", settings).returncode == 0
    (example,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", on_our_ports(example, settings)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
