"""A real broker for tests: the project's, on free ports, with its data in the test's folder."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.embedded.kafka import broker
from streams.embedded.kafka.jars import kafka_version, share_jars
from streams.embedded.kafka.java import require_java
from streams.embedded.ports import controller_address, free_pair
from streams.embedded.run_folder import RunFolder
from streams.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
# A start takes seconds; this leaves room for machines that are busy with other tests.
START_SECONDS = 60.0


def broker_settings(folder: Path, **more: object) -> Settings:
    """Return settings of a broker in `folder` on free ports, using the jars in the project's checkout."""
    settings = Settings.model_validate({"kafka_bootstrap": f"127.0.0.1:{free_pair()}", "data_dir": folder, **more})
    project = RunFolder(ROOT / ".local")
    # One test worker fetches the jars for all: Maven's cache allows only one at a time.
    with project.lock("jars.lock"):
        share_jars(RunFolder(settings.data_dir), project, lambda _: None)
    return settings


def format_broker(settings: Settings) -> None:
    """Give a broker that has no data a copy of a freshly formatted folder: formatting takes a fifth of its start.

    All copies have one cluster id; a broker whose data is lost later gets another, as it formats for itself.
    """
    data, project = broker.data_dir(RunFolder(settings.data_dir)), RunFolder(ROOT / ".local")
    if data.exists():
        return
    template = RunFolder(ROOT / ".local" / "formatted" / kafka_version())
    with project.lock("jars.lock"):
        formatted = broker.data_dir(template)
        if not formatted.exists():
            share_jars(template, project, lambda _: None)
            address = broker.embedded_address(settings)
            broker.format_data(require_java(), template, address, controller_address(address))
    shutil.copytree(formatted, data)


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
    """Run a broker in `folder` and yield settings that connect to it; `more` sets further fields by name."""
    settings = broker_settings(folder, **more)
    try:
        start_broker(settings)
        yield settings
    finally:
        stop_broker(settings)
