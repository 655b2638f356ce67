"""The background stack starts what is not running, leaves running components alone, and leaves nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.embedded import doctor, stack
from streams.embedded.components import component
from streams.embedded.run_folder import RunFolder
from streams.errors import UserError
from streams.settings import Settings
from tests.support.kafka import broker_settings


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings of a stack in which nothing is running yet."""
    found = broker_settings(tmp_path)
    yield found
    stack.down(found, out=lambda _: None)


def up(settings: Settings, *components: str) -> list[str]:
    lines: list[str] = []
    stack.up(settings, components, out=lines.append)
    return lines


def down(settings: Settings) -> list[str]:
    lines: list[str] = []
    stack.down(settings, out=lines.append)
    return lines


def test_up_status_up_down(settings: Settings) -> None:
    assert [(row.component, row.up) for row in stack.status(settings)] == [
        ("kafka", False),
        ("clickhouse", False),
        ("worker-0", False),
        ("sink-0", False),
        ("collector-0", False),
    ]
    (line,) = up(settings, "kafka")
    assert line.startswith(f"kafka: ready at {settings.kafka_bootstrap} after ")
    (row,) = [row for row in stack.status(settings) if row.up]
    assert (row.component, row.address) == ("kafka", settings.kafka_bootstrap)
    assert row.since is not None
    assert row.pid is not None
    assert up(settings, "kafka") == [f"kafka: already running (process {row.pid}, {settings.kafka_bootstrap})"]
    ports = [check for check in doctor.doctor(settings) if settings.kafka_bootstrap in check.found]
    assert [check.found for check in ports] == [f"{settings.kafka_bootstrap} is ours"]
    assert down(settings) == ["kafka: stopped"]
    assert not any(row.up for row in stack.status(settings))
    assert down(settings) == ["nothing runs"]


def test_a_killed_broker_is_reported_and_restarted(settings: Settings) -> None:
    up(settings, "kafka")
    broker = component("kafka", settings).program
    pid = broker.pid
    broker.kill()
    stale, ready = up(settings, "kafka")
    assert stale == f"kafka: removed a stale record, its process {pid} is gone"
    assert ready.startswith("kafka: ready")


def unprovisionable(settings: Settings) -> Settings:
    """Return settings with which provisioning fails, and so does any `up` of a worker."""
    return settings.model_copy(update={"topics_file": settings.data_dir / "absent.yaml"})


def test_a_failed_up_stops_what_it_started(settings: Settings) -> None:
    lines: list[str] = []
    with pytest.raises(UserError, match=r"absent\.yaml"):
        stack.up(unprovisionable(settings), ["kafka", "worker-0"], out=lines.append)
    assert lines[-1] == "kafka: stopped"
    assert RunFolder(settings.data_dir).recorded() == []


def test_a_failed_up_leaves_running_what_ran_before(settings: Settings) -> None:
    up(settings, "kafka")
    with pytest.raises(UserError, match=r"absent\.yaml"):
        stack.up(unprovisionable(settings), ["kafka", "worker-0"], out=lambda _: None)
    assert component("kafka", settings).program.is_running


def test_a_broker_on_another_machine_is_not_started(settings: Settings) -> None:
    elsewhere = settings.model_copy(update={"kafka_bootstrap": "broker.example:9092"})
    assert up(elsewhere, "kafka") == ["kafka: not embedded, IMPRESSIONS_KAFKA_BOOTSTRAP names broker.example:9092"]
    assert "kafka" not in [row.component for row in stack.status(elsewhere)]
