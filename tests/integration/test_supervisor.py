"""The supervisor restarts what dies until `down`, and leaves what refuses to run to a person."""

import shutil
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient

from streams.embedded import stack
from streams.embedded.components import DEFAULT, component
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from streams.embedded.stack import SUPERVISOR
from streams.kafka.names import changelog
from streams.settings import Settings
from streams.state.partition_state import Table
from tests.support.stack import stack_settings
from tests.support.wait import until

pytestmark = pytest.mark.integration

SECONDS = 90.0


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a whole supervised stack."""
    settings = stack_settings(tmp_path_factory.mktemp("supervised"))
    try:
        assert any(line.startswith("supervisor: watches") for line in up(settings))
        yield settings
    finally:
        stack.down(settings, out=lambda _: None)


def up(settings: Settings) -> list[str]:
    lines: list[str] = []
    stack.up(settings, DEFAULT, out=lines.append, supervise=True)
    return lines


def program(name: str, settings: Settings) -> Program:
    return Program(name, RunFolder(settings.data_dir))


def kill(settings: Settings, *names: str) -> dict[str, int]:
    """Kill them as kill -9 does; return their process ids."""
    pids = {}
    for name in names:
        each = program(name, settings)
        pids[name] = each.pid or 0
        assert pids[name], f"{name} is down"
        each.kill()
    return pids


def is_back(settings: Settings, name: str, was: int) -> bool:
    return program(name, settings).pid not in (None, was) and component(name, settings).ready()


def row(settings: Settings, name: str) -> stack.Row:
    (found,) = [each for each in stack.status(settings) if each.component == name]
    return found


@pytest.mark.parametrize("names", [("worker-0", "sink-0", "collector-0"), ("kafka",)], ids=lambda names: names[0])
def test_killed_processes_are_restarted(settings: Settings, names: tuple[str, ...]) -> None:
    for name, was in kill(settings, *names).items():
        until(lambda name=name, was=was: is_back(settings, name, was), SECONDS, f"{name} is back")  # type: ignore[misc]
    for name in DEFAULT:
        until(lambda name=name: component(name, settings).ready(), SECONDS, f"{name} is ready")  # type: ignore[misc]


def test_up_restarts_a_killed_supervisor(settings: Settings) -> None:
    was = kill(settings, SUPERVISOR)[SUPERVISOR]
    assert not row(settings, SUPERVISOR).up
    said = up(settings)
    assert f"{SUPERVISOR}: removed a stale record, its process {was} is gone" in said
    assert row(settings, SUPERVISOR).up
    assert f"{SUPERVISOR}: already running (process {program(SUPERVISOR, settings).pid})" in up(settings)


def test_a_process_that_refuses_to_run_is_left_to_a_person(settings: Settings) -> None:
    # Under the lock, so the supervisor restarts the worker only after its state was deleted.
    with RunFolder(settings.data_dir).lock():
        kill(settings, "worker-0")
        shutil.rmtree(settings.data_dir / "state")
        admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
        for deleted in admin.delete_topics([changelog(table) for table in Table]).values():
            deleted.result(SECONDS)
    until(lambda: row(settings, "worker-0").hint, SECONDS, "status says that it refused")
    assert not row(settings, "worker-0").up
    log = program("worker-0", settings).log
    assert str(log) in row(settings, "worker-0").hint
    assert "impressions rebuild" in log.read_text().splitlines()[-1]
    starts = log.read_text().count("worker_starting")
    # The supervisor continues: meanwhile it restarts the sink, but not the worker.
    was = kill(settings, "sink-0")["sink-0"]
    until(lambda: is_back(settings, "sink-0", was), SECONDS, "the sink is back")
    assert log.read_text().count("worker_starting") == starts
    assert row(settings, "worker-0").hint


def test_down_stops_everything(settings: Settings) -> None:
    said: list[str] = []
    stack.down(settings, out=said.append)
    assert said[0] == f"{SUPERVISOR}: stopped"
    assert RunFolder(settings.data_dir).recorded() == []
    assert not any(each.up for each in stack.status(settings))
