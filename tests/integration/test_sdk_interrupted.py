"""ImpressionProducer used by whoever interrupts its callers: signal handlers, finalisers, its own on_delivery."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from impression_streams import Delivery, ImpressionProducer
from streams.settings import Settings
from tests.support.kafka import running_broker
from tests.support.sdk import create_topic, dead_address, run_program
from tests.support.wait import until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with running_broker(tmp_path_factory.mktemp("broker")) as settings:
        yield settings


@pytest.fixture
def topic(broker: Settings, request: pytest.FixtureRequest) -> str:
    """The test's own topic, with the settings of impressions.v1."""
    name = request.node.name.replace("[", ".").replace("]", "")
    create_topic(broker, name)
    return str(name)


SIGNALS = """
import faulthandler, signal, sys
from impression_streams import Delivery, ImpressionProducer

address, topic = sys.argv[1:]
faulthandler.dump_traceback_later(60, exit=True)
producer = ImpressionProducer(address, topic=topic, batch_size=3, max_buffered=10_000)
caught = recorded = depth = 0

def handle(*_):
    global caught, depth
    if depth == 3:  # signals come while it waits, too: with a slow server, there would be no end
        return
    depth += 1
    caught += 1
    producer.flush()
    producer.record(f"handler-{caught % 3}", "a1")
    assert producer.stats.failed == 0
    if caught % 50 == 0:
        assert producer.wait(30)
    depth -= 1

signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
while caught < 500:
    producer.record(f"main-{recorded % 7}", f"a{recorded % 5000}")
    recorded += 1
signal.setitimer(signal.ITIMER_REAL, 0)
producer.close()
stats = producer.stats
assert stats.acknowledged == stats.recorded == recorded + caught, (stats, recorded, caught)
"""


def test_s02_a_signal_handler_that_flushes_while_the_main_thread_records_never_deadlocks(
    broker: Settings, topic: str, tmp_path: Path
) -> None:
    done = run_program(tmp_path, SIGNALS, broker.kafka_bootstrap, topic)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


TERMINATED = """
import faulthandler, signal, sys
from impression_streams import ImpressionProducer, UndeliveredError

address, topic = sys.argv[1:]
faulthandler.dump_traceback_later(60, exit=True)
producer = ImpressionProducer(address, topic=topic, batch_size=3)
accepted = []

def handle(*_):
    back = 0
    try:
        producer.close(2)
    except UndeliveredError as error:
        back = sum(len(flush.impressions) for flush in error.flushes)
    stats = producer.stats
    assert stats.recorded == stats.acknowledged + back and stats.failed == back
    # The call that was interrupted has no answer yet, so its impression may be one more.
    assert stats.recorded - len(accepted) in (0, 1), (stats, len(accepted))
    print("all there" if not back else "all back", flush=True)
    sys.exit(0)

accepted.append(producer.record("u0", "a1"))
signal.signal(signal.SIGTERM, handle)
print("recording", flush=True)
while True:
    accepted.append(producer.record(f"u{len(accepted) % 7}", "a1"))
"""


@pytest.mark.parametrize("reachable", [True, False])
def test_s02_a_sigterm_handler_that_closes_ends_within_its_time_out(
    broker: Settings, topic: str, reachable: bool
) -> None:
    with dead_address() as nobody:
        address = broker.kafka_bootstrap if reachable else nobody
        child = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-c", TERMINATED, address, topic],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "recording\n"
        child.send_signal(signal.SIGTERM)
        said, complained = child.communicate(timeout=120)
    wanted = {"all there\n"} if reachable else {"all back\n"}
    assert (child.returncode, said in wanted, complained) == (0, True, ""), (said, complained)


FINALISERS = """
import faulthandler, gc, sys
from impression_streams import Delivery, ImpressionProducer

address, topic = sys.argv[1:]
faulthandler.dump_traceback_later(60, exit=True)
producer = ImpressionProducer(address, topic=topic, batch_size=3, on_delivery=lambda delivery: Page())
other = ImpressionProducer(address, topic=topic)
finalised = 0

class Page:
    def __init__(self):
        self.itself = self  # only the collector frees it, in whatever thread it happens to run

    def __del__(self):
        global finalised
        finalised += 1
        producer.record("finaliser", "a1")
        producer.flush()
        assert producer.stats.failed == 0
        if finalised == 50:
            other.close()

gc.set_threshold(20)
recorded = 0
while finalised < 500:
    producer.record(f"main-{recorded % 7}", "a1")
    Page()
    recorded += 1
gc.disable()
# Records of finalisers in the producer's threads still come in, each from a delivery: no more pages are freed.
assert producer.wait(30)
producer.close()
other.close()
stats = producer.stats
assert stats.acknowledged == stats.recorded == recorded + finalised, (stats, recorded, finalised)
import os; os._exit(0)  # the pages that are left would call a closed producer
"""


def test_s02_finalisers_that_the_collector_runs_anywhere_may_record_flush_and_close(
    broker: Settings, topic: str, tmp_path: Path
) -> None:
    done = run_program(tmp_path, FINALISERS, broker.kafka_bootstrap, topic)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_on_delivery_may_not_wait_for_its_own_producer(broker: Settings, topic: str) -> None:
    refusals: list[str] = []

    def wait(_: object) -> None:
        for call in (producer.close, lambda: producer.wait(60)):
            with pytest.raises(RuntimeError, match="can't be called from on_delivery") as caught:
                call()
            refusals.append(str(caught.value))

    producer = ImpressionProducer(broker.kafka_bootstrap, topic=topic, on_delivery=wait)
    producer.record("u1", "a1")
    producer.close()
    assert len(refusals) == 2


def test_on_delivery_that_never_returns_is_no_success(
    broker: Settings, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = Event()
    monkeypatch.setattr("impression_streams.sync.ABANDON_SECONDS", 0.5)

    def wait(_: Delivery) -> None:
        go_on.wait()

    producer = ImpressionProducer(broker.kafka_bootstrap, topic=topic, on_delivery=wait)
    producer.record("u1", "a1")
    producer.flush()
    until(lambda: producer.stats.acknowledged, 30, "the delivery that is reported")
    with pytest.raises(RuntimeError, match="thread did not end"):
        producer.close(0.5)
    go_on.set()
    producer.close()
    assert producer.stats.acknowledged == 1
