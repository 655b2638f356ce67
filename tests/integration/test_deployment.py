"""The commands in the deployment documents that need no Docker engine, run exactly as written."""

import shutil
import stat
from pathlib import Path

import pytest

from streams.settings import Settings
from tests.support.compose_file import BASE, PRODUCTION, load
from tests.support.documented import ROOT, commands, run

pytestmark = pytest.mark.integration

DEPLOYMENT = (ROOT / "docs" / "operate" / "deployment.md").read_text()
CLUSTER = (ROOT / "clickhouse" / "cluster" / "README.md").read_text()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the script reads, so that the checkout's own secrets stay as they are."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    shutil.copytree(
        ROOT / "secrets", tmp_path / "secrets", ignore=lambda _, names: [n for n in names if n[0] not in ".R"]
    )
    shutil.copy(ROOT / ".env.example", tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", [*commands(DEPLOYMENT), *commands(CLUSTER)])
def test_every_command_works(command: str, checkout: Path) -> None:
    script = command.split(" ", maxsplit=1)[0]
    here = command.replace(script, str(checkout / script)) if script.startswith("deploy/") else command
    done = run(here, Settings(data_dir=checkout))
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_secrets_are_those_that_the_files_name_and_are_private(checkout: Path) -> None:
    assert run(str(checkout / "deploy" / "secrets.sh"), Settings(data_dir=checkout)).returncode == 0
    asked = {each["file"] for path in (BASE, PRODUCTION) for each in load(path)["secrets"].values()}
    for name in asked:
        path = checkout / name
        assert path.read_text().strip()
        # Containers run as other users than the owner of the folder, which keeps everyone else out.
        assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert stat.S_IMODE((checkout / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((checkout / "secrets" / "ca.key").stat().st_mode) == 0o600
    for name in ("kafka_broker", "kafka_impressions"):
        assert not (checkout / "secrets" / name).read_text().endswith("\n")


def test_existing_secrets_are_kept_and_removed_ones_are_replaced(checkout: Path) -> None:
    script, settings = str(checkout / "deploy" / "secrets.sh"), Settings(data_dir=checkout)
    folder = checkout / "secrets"

    def contents() -> dict[str, str]:
        return {path.name: path.read_text() for path in [*folder.iterdir(), checkout / ".env"]}

    assert run(script, settings).returncode == 0
    first = contents()
    assert run(script, settings).returncode == 0
    assert contents() == first
    (folder / "clickhouse_reader").unlink()
    assert run(script, settings).returncode == 0
    changed = {name for name, text in contents().items() if first[name] != text}
    assert changed == {"clickhouse_reader", "clickhouse_users.xml"}
