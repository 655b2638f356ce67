"""The demo as a newcomer runs it: to its end, interrupted at every stage, and from a folder with an odd name."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from streams.embedded.run_folder import RunFolder
from streams.settings import Settings
from tests.support import leftovers
from tests.support.documented import ROOT
from tests.support.stack import stack_settings
from tests.support.terminal import Terminal

pytestmark = pytest.mark.integration

# The longest that the demo takes on a busy machine, and that it takes to stop (s).
DEMO_SECONDS, STOP_SECONDS = 280.0, 60.0
RIGHT = "No duplicate, no loss: every row is as the recount says."
MARK = "DEMO_OF_TEST"
ARGV = (sys.executable, "-m", "demo")


@dataclass(frozen=True)
class Place:
    """Where a test's demo plays."""

    settings: Settings
    environment: dict[str, str]
    mark: str

    def check_nothing_runs(self) -> None:
        """Raise AssertionError if a process of the demo, or a record of one, is left."""
        assert leftovers.carrying(self.mark) == []
        assert RunFolder(self.settings.data_dir / "demo").recorded() == []


def place_in(folder: Path) -> Place:
    settings = stack_settings(folder)
    value = f"{os.getpid()}-{folder.name}"
    return Place(
        settings,
        {
            "IMPRESSIONS_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
            "IMPRESSIONS_CLICKHOUSE_URL": settings.clickhouse_url,
            "IMPRESSIONS_METRICS_PORT": str(settings.metrics_port),
            "IMPRESSIONS_DATA_DIR": str(settings.data_dir),
            "PYTHONPATH": str(ROOT),
            MARK: value,
        },
        f"{MARK}={value}",
    )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = place_in(tmp_path)
    yield found
    for pid in leftovers.carrying(found.mark):
        os.kill(pid, signal.SIGKILL)


def start(place: Place, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*ARGV, *arguments],
        env={**os.environ, **place.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


@pytest.mark.parametrize(
    ("moment", "number", "arguments"),
    [
        ("1/4 start", signal.SIGHUP, ()),
        ("kafka: ready", signal.SIGINT, ("--keep",)),
        ("worker killed (1 of 3)", signal.SIGTERM, ("--kill-worker", "3")),
        ("4/4 check", signal.SIGHUP, ()),
    ],
)
@pytest.mark.timeout(DEMO_SECONDS + STOP_SECONDS)
def test_a_signal_ends_everything_with_a_sentence_and_its_exit_code(
    place: Place, moment: str, number: signal.Signals, arguments: tuple[str, ...]
) -> None:
    with start(place, *arguments) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if moment in line:
                process.send_signal(number)
        code = process.wait(STOP_SECONDS)
    text = "\n".join(lines)
    assert code == 128 + number, text
    assert lines[-1] == f"Interrupted by {number.name}; nothing was left running.", text
    assert "Traceback" not in text
    assert RIGHT not in text
    place.check_nothing_runs()


@pytest.mark.timeout(DEMO_SECONDS)
def test_ctrl_c_twice_in_a_terminal_leaves_nothing(place: Place) -> None:
    with Terminal(ARGV, 80, environment=place.environment) as terminal:
        terminal.read_until("2/4 play", DEMO_SECONDS)
        terminal.type(b"\x03")
        terminal.read_until("SIGINT: stopping", STOP_SECONDS)
        terminal.type(b"\x03")
        assert terminal.wait(STOP_SECONDS) == 130, terminal.output[-3000:]
    # The terminal shows the keys before it.
    assert any(line.endswith("Interrupted by SIGINT; nothing was left running.") for line in terminal.lines)
    # The cursor, which the bar hides, is there again.
    assert terminal.output.rindex("\x1b[?25h") > terminal.output.rindex("\x1b[?25l")
    place.check_nothing_runs()


# A shell passes SIGHUP on. What keeps it, as make does while it waits, leaves only the terminal's errors to notice.
@pytest.mark.parametrize(
    "command", [ARGV, ("sh", "-c", 'trap : HUP; "$@"; exit $?', "sh", *ARGV)], ids=["shell", "make"]
)
@pytest.mark.timeout(DEMO_SECONDS)
def test_a_terminal_that_is_closed_leaves_nothing(place: Place, command: tuple[str, ...]) -> None:
    with Terminal(command, 80, environment=place.environment) as terminal:
        terminal.read_until("2/4 play", DEMO_SECONDS)
        terminal.hang_up()
        assert terminal.process.wait(STOP_SECONDS) == 129
    place.check_nothing_runs()


@pytest.mark.timeout(DEMO_SECONDS)
def test_it_plays_to_its_end_in_a_folder_with_accents_and_spaces_whatever_the_locale(tmp_path: Path) -> None:
    place = place_in(tmp_path / "caf\u00e9 au lait \U0001f600")
    place.environment["LC_ALL"] = "C"
    with start(place) as process:
        text, _ = process.communicate(timeout=DEMO_SECONDS)
    assert process.returncode == 0, text
    assert text.rstrip().endswith("leaves it running, to look at.")
    assert RIGHT in text
    assert "caf\\xe9 au lait" in text
    assert text.isascii()
    assert "\x1b" not in text
    # Only the line that names the long folder of this test.
    assert [line for line in text.splitlines() if len(line) > 80 and "caf" not in line] == []
    assert " NO" not in text
    # Kafka's data is in that folder, not in one with another name.
    assert (place.settings.data_dir / "demo" / "kafka" / "data" / "VERSION").is_file()
    assert [each.name for each in tmp_path.iterdir()] == [place.settings.data_dir.name]
    place.check_nothing_runs()


def test_without_java_it_is_one_sentence(place: Place, tmp_path: Path) -> None:
    environment = {**os.environ, **place.environment, "PATH": str(tmp_path)}
    environment.pop("JAVA_HOME", None)
    done = subprocess.run(ARGV, env=environment, capture_output=True, text=True, check=False, timeout=STOP_SECONDS)
    assert done.returncode == 2
    assert done.stdout.splitlines()[-1].startswith("The embedded Kafka needs Java 17 or newer, and there is none: ")
    assert "Traceback" not in done.stdout + done.stderr
