"""A worker or a sink that hangs although there is work says so and ends; one that waits does not."""

import http.client
import signal
import sys
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Gauge

from streams.embedded import stack
from streams.embedded.components import component
from streams.errors import StalledError
from streams.kafka.admin import watermarks
from streams.kafka.names import IMPRESSIONS
from streams.runtime.exit import EXIT_RESTART
from streams.runtime.health import Health
from streams.runtime.stall import Work
from streams.runtime.watchdog import Watchdog
from streams.settings import Settings
from streams.sink.lag import sink_lag
from streams.worker.lag import worker_lag
from tests.support import standing
from tests.support.load import Raw, at_home, flush, home, impression, now_ms, user_at
from tests.support.program import MemberProcess
from tests.support.stack import Installation, running_installation
from tests.support.standing import STANDING_USER
from tests.support.wait import until
from tests.support.worker import WorkerProcess

pytestmark = pytest.mark.integration

SECONDS = 60.0
STALL = 2.0


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A stack of its own, because a sink's offsets belong to its whole group."""
    with running_installation(tmp_path_factory.mktemp("watched")) as installation:
        yield installation


def defective(kind: str, installation: Installation) -> MemberProcess:
    settings = installation.settings.model_copy(update={"stall_seconds": STALL})
    return MemberProcess(kind, settings, 0, (sys.executable, standing.__file__, kind))


def sound(installation: Installation) -> WorkerProcess:
    """The project's own worker, alone and shared by all tests: it is watched as closely as the others."""
    return installation.only_worker(stall_seconds=STALL)


def get(settings: Settings, path: str, sink: bool = False) -> tuple[int, str]:
    """The status and text of an answer from worker 0 or sink 0; status 0 if there is no answer."""
    connection = http.client.HTTPConnection(settings.metrics_host, settings.metrics_port + sink, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode().strip()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def metric(program: MemberProcess, name: str) -> float:
    """The sum of a metric over its labels."""
    lines = program.metrics().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


def user_flush(user_id: str) -> bytes:
    return flush(user_id, [impression("a0001", now_ms())])


def shows_a_stall(program: MemberProcess, topic: str) -> bool:
    status, why = get(program.settings, "/healthz", program.kind == "sink")
    return status == 503 and topic in why and metric(program, f"impressions_{program.kind}_stalled") >= 1


def test_a_worker_that_hangs_says_so_ends_and_leaves_nothing_undone(installation: Installation) -> None:
    worker = defective("worker", installation)
    try:
        worker.start().wait_ready()
        assert get(worker.settings, "/healthz") == (200, "ok")
        assert get(worker.settings, "/readyz") == (200, "ready")
        for path in ("/metrics", "/"):
            assert "impressions_worker_ready 1.0" in get(worker.settings, path)[1]
        installation.produce([at_home("someone", user_flush("someone"))])
        installation.audit.settle()
        assert metric(worker, "impressions_worker_stalled") == 0
        installation.produce([at_home(STANDING_USER, user_flush(STANDING_USER))])
        until(lambda: shows_a_stall(worker, f"{IMPRESSIONS}-{home(STANDING_USER)}"), SECONDS, "the stall is shown")
        assert worker.wait_exit() == EXIT_RESTART
        said = worker.output()
        assert '"event": "stalled"' in said
        assert '"event": "stalled_ending"' in said
        assert "standing.py" in said, "where it hangs"
    finally:
        worker.kill()
    sound(installation)
    installation.audit.check()


def test_markers_after_the_last_record_are_not_lag_but_a_record_is(installation: Installation) -> None:
    """A forward leaves the marker of its transaction at the end of its new partition for ever."""
    worker = sound(installation)
    stray = user_at(2, "stray")
    installation.produce([Raw(1, user_flush(stray))])
    installation.audit.settle()
    position = (
        f'impressions_worker_position{{partition="2"}} {watermarks(installation.settings, IMPRESSIONS, 2)[1] - 1}'
    )
    until(lambda: f"{position}.0" in worker.metrics(), SECONDS, "the forwarded line is decided, its marker is left")

    end = watermarks(installation.settings, IMPRESSIONS, 2)[1]
    assert stalls(installation.settings, end - 1) is None, "the marker"
    assert stalls(installation.settings, end - 2) is not None, "the record before it"
    assert worker.is_running, "which has looked at the same"


def stalls(settings: Settings, offset: int) -> str | None:
    """What a watchdog reports for a worker that stays at this offset of partition 2 for a long time."""
    registry = CollectorRegistry()
    gauge, health = Gauge("stalled", "-", registry=registry), Health(Gauge("ready", "-", registry=registry))
    dog = Watchdog(STALL, lambda: [Work((IMPRESSIONS, 2), offset, 0, False)], worker_lag(settings), gauge, health)
    try:
        for look in range(20):
            dog.look(STALL * look)
    except StalledError:
        assert health.why is not None
    return health.why


def test_a_sink_that_hangs_says_so_and_ends(installation: Installation) -> None:
    sink = defective("sink", installation)
    try:
        sink.start()
        until(lambda: shows_a_stall(sink, "-"), SECONDS, "the stall is shown")
        assert sink.wait_exit() == EXIT_RESTART
    finally:
        sink.kill()


def test_a_sink_is_not_stalled_while_clickhouse_is_down(installation: Installation) -> None:
    settings = installation.settings.model_copy(update={"stall_seconds": 1.0, "sink_flush_seconds": 0.1})
    sound(installation)
    sink = MemberProcess("sink", settings)
    try:
        sink.start().wait_ready()
        component("clickhouse", settings).program.stop()
        installation.produce([at_home("someone", user_flush("someone"))])
        # Its waits get longer: this many failures take at least 3 s, and a stalled sink would have ended before that.
        until(lambda: metric(sink, "impressions_sink_errors_total") >= 6, SECONDS, "it tries again and again")
        assert sink.is_running
        assert metric(sink, "impressions_sink_stalled") == 0
        assert get(settings, "/healthz", sink=True) == (200, "ok")
        assert get(settings, "/readyz", sink=True) == (503, "not ready")
        assert "stalled" not in sink.output()
        stack.up(settings, ["clickhouse"], out=lambda _: None)
        until(lambda: metric(sink, "impressions_sink_lag") == 0 and sink.is_ready(), SECONDS, "it has caught up")
        assert sink.stop() == 0
    finally:
        sink.kill()


def test_a_clickhouse_that_hangs_counts_as_unreachable(installation: Installation) -> None:
    """Until the sink's request to it times out, only the watchdog's own question can show it."""
    lag, work = sink_lag(installation.settings), Work((IMPRESSIONS, home("someone")), 0, 0, False)
    assert lag([work]) == {work.key: True}
    clickhouse = component("clickhouse", installation.settings).program
    clickhouse.send(signal.SIGSTOP)
    try:
        assert lag([work]) == {}
    finally:
        clickhouse.send(signal.SIGCONT)


def test_without_a_broker_no_process_is_stalled(installation: Installation) -> None:
    worker = sound(installation)
    component("kafka", installation.settings).program.stop()
    # This takes as long as a question to the broker may take; a stalled worker would have ended before.
    assert worker_lag(installation.settings)([Work((IMPRESSIONS, home("someone")), 0, 0, False)]) == {}
    assert worker.is_running
    assert get(worker.settings, "/healthz") == (200, "ok")
