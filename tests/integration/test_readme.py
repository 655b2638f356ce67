"""Every command of the README, run exactly as written, in a data folder and on ports of its own."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from streams.embedded.run_folder import RunFolder
from streams.settings import Settings
from tests.support.documented import LONGEST_SECONDS, ROOT, blocks, commands, on_our_ports, run
from tests.support.stack import stack_settings

pytestmark = pytest.mark.integration

README = (ROOT / "README.md").read_text()
# `make test` is what runs this.
NOT_AGAIN = {"make test"}
COMMANDS = commands(README)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of the stack that the README's commands use."""
    settings = stack_settings(tmp_path_factory.mktemp("readme"))
    yield settings
    run("make down", settings)


def test_the_readme_shows_the_two_commands_first() -> None:
    assert COMMANDS[:2] == ["make demo", "make test"]


@pytest.mark.timeout(LONGEST_SECONDS + 20)
@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in NOT_AGAIN])
def test_every_command_works(command: str, settings: Settings) -> None:
    """In their order: commands use what earlier ones made."""
    done = run(command, settings)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    if command == "make down":
        assert RunFolder(settings.data_dir).recorded() == []


@pytest.mark.timeout(LONGEST_SECONDS)
def test_the_python_example_works(settings: Settings) -> None:
    assert run("make up", settings).returncode == 0
    (example,) = blocks(README, "python")
    done = subprocess.run(
        [sys.executable, "-c", on_our_ports(example, settings)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
