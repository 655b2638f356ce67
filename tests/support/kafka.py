"""A real broker for tests: ours, on free ports, its data in a folder of the test's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.embedded.kafka import broker
from streams.embedded.kafka.jars import share_jars
from streams.embedded.ports import free_pair
from streams.embedded.run_folder import RunFolder
from streams.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
# Far above the seconds that a start takes, for machines that are busy with other tests.
START_SECONDS = 60.0


def broker_settings(folder: Path, **more: object) -> Settings:
    """Return settings of a broker in `folder` on free ports, with the project's own copy of the jars."""
    settings = Settings.model_validate({"kafka_bootstrap": f"127.0.0.1:{free_pair()}", "data_dir": folder, **more})
    project = RunFolder(ROOT / ".local")
    # One test worker fetches them for all: Maven's cache takes one at a time.
    with project.lock("jars.lock"):
        share_jars(RunFolder(settings.data_dir), project, lambda _: None)
    return settings


def start_broker(settings: Settings) -> None:
    """Start the broker and return once it serves."""
    broker.prepare(settings, lambda _: None)
    program = broker.program(RunFolder(settings.data_dir)).start()
    program.wait_until(lambda: broker.is_ready(settings), START_SECONDS)


def stop_broker(settings: Settings) -> None:
    """Stop the broker if it runs."""
    broker.program(RunFolder(settings.data_dir)).stop()


@contextmanager
def running_broker(folder: Path, **more: object) -> Iterator[Settings]:
    """Run a broker in `folder` and yield settings that lead to it; `more` are further settings by field name."""
    settings = broker_settings(folder, **more)
    try:
        start_broker(settings)
        yield settings
    finally:
        stop_broker(settings)
