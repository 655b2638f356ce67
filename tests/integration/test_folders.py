"""Data folders as people have them: with accents and spaces, under any locale, and read-only ones."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.embedded.components import environment
from streams.embedded.kafka.jars import share_jars
from streams.embedded.ports import LOOPBACK, free_block
from streams.embedded.run_folder import RunFolder
from streams.settings import Settings

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 240.0
# What is in the names of people's folders, and means something to shells, URLs or properties files.
NAMES = ("Müllers Daten für 日本 😀", "a #1 50% 'quoted' + $HOME!")


def impressions(settings: Settings, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with these settings."""
    return subprocess.run(
        [sys.executable, "-m", "streams", *arguments],
        env=os.environ | environment(settings) | variables,
        capture_output=True, text=True, check=False, timeout=SECONDS,
    )  # fmt: skip


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings with a data folder of the given name, which has Kafka's jars; what was started is stopped."""
    first = free_block(6)
    found = Settings(
        data_dir=tmp_path / request.param,
        kafka_bootstrap=f"{LOOPBACK}:{first}",
        clickhouse_url=f"http://{LOOPBACK}:{first + 2}",
        metrics_port=first + 3,
        collector_port=first + 5,
    )
    share_jars(RunFolder(found.data_dir), RunFolder(ROOT / ".local"), lambda _: None)
    yield found
    impressions(found, "down")


# In the locale C, which cron jobs and many containers have, Java reads file names as ASCII.
@pytest.mark.parametrize("settings", NAMES, indirect=True, ids=("letters", "signs"))
def test_the_whole_stack_runs_in_a_folder_with_accents_and_spaces_under_the_locale_c(settings: Settings) -> None:
    started = impressions(settings, "up", LC_ALL="C")
    assert started.returncode == 0, started.stdout + started.stderr
    status = impressions(settings, "status", LC_ALL="C")
    assert status.returncode == 0, status.stdout
    assert [line.split()[:2] for line in status.stdout.splitlines()][:5] == [
        ["kafka", "up"], ["clickhouse", "up"], ["worker-0", "up"], ["sink-0", "up"], ["collector-0", "up"]
    ]  # fmt: skip
    assert list((settings.data_dir / "kafka" / "data").glob("impressions.v1-*"))
    assert list((settings.data_dir / "state").glob("worker-0/partition-*"))
    assert list((settings.data_dir / "clickhouse" / "engine").iterdir())
    stopped = impressions(settings, "down", LC_ALL="C")
    assert stopped.returncode == 0, stopped.stderr


@pytest.mark.parametrize("name", ["a,b", "a:b"])
def test_a_name_that_kafka_or_java_takes_for_a_list_is_one_sentence(name: str, tmp_path: Path) -> None:
    first = free_block(5)
    settings = Settings(data_dir=tmp_path / name, kafka_bootstrap=f"{LOOPBACK}:{first}")
    done = impressions(settings, "up", "kafka")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"has a {name[1]!r} in its name" in line


@pytest.mark.parametrize(
    ("arguments", "code"), [(("up",), 2), (("down",), 2), (("worker",), 78), (("sink", "--index", "auto"), 78)]
)
def test_a_read_only_file_system_is_one_sentence(arguments: tuple[str, ...], code: int, tmp_path: Path) -> None:
    """A real one: who runs the tests may be root, whom permissions don't stop."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    probe = ["unshare", "--mount", "--map-root-user", "sh", "-c", 'mount -t tmpfs -o ro none "$0"', str(folder)]
    if subprocess.run(probe, capture_output=True, check=False, timeout=60).returncode != 0:
        pytest.skip("this machine lets nobody mount a file system")
    mounted = [*probe[:-2], 'mount -t tmpfs -o ro none "$0" && exec "$@"', str(folder)]
    settings = Settings(data_dir=folder / "data", kafka_bootstrap=f"{LOOPBACK}:1", metrics_port=free_block(2))
    done = subprocess.run(
        [*mounted, sys.executable, "-m", "streams", *arguments],
        env=os.environ | environment(settings), capture_output=True, text=True, check=False, timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    (line,) = done.stderr.splitlines()
    assert str(folder / "data") in line
    assert "Read-only file system" in line
