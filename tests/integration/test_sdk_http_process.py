"""HttpImpressionProducer in a process's life: forks, the exit, signals, gevent, a base installation."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.misbehaving_collector import Double, running_double
from tests.support.sdk import dead_address, run_program
from tests.support.sdk_http import certificate_in

pytestmark = pytest.mark.integration


@pytest.fixture
def double() -> Iterator[Double]:
    with running_double() as running:
        yield running


FORK = """
import multiprocessing, os, sys
from impression_streams import HttpImpressionProducer

def child(address):
    producer = HttpImpressionProducer(address)
    for number in range(3):
        producer.record("u1", f"a{number}", impression_id=f"multiprocessing-{number}")

if __name__ == "__main__":
    (address,) = sys.argv[1:]
    inherited = HttpImpressionProducer(address, linger_ms=0)
    inherited.record("u1", "a1", impression_id="parent-1")
    inherited.flush()
    assert inherited.wait(30)  # its threads and its connection are there
    inherited.record("u1", "a1", impression_id="parent-2")
    if os.fork() == 0:
        try:
            inherited.record("u1", "a1")
        except RuntimeError as error:
            assert str(error) == "the producer was made before a fork: make one in each process"
        else:
            raise AssertionError("a child used its parent's producer")
        own = HttpImpressionProducer(address)
        own.record("u1", "a1", impression_id="child")
        sys.exit(0)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
    process = multiprocessing.get_context("fork").Process(target=child, args=(address,))
    process.start()
    process.join()
    assert process.exitcode == 0
"""


def test_each_process_delivers_its_own_at_its_exit(double: Double, tmp_path: Path) -> None:
    done = run_program(tmp_path, FORK, double.url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    wanted = ["parent-1", "parent-2", "child", *(f"multiprocessing-{number}" for number in range(3))]
    assert Counter(double.ids()) == Counter(wanted)


FORGOTTEN = """
import sys
from impression_streams import HttpImpressionProducer, at_exit

address, seconds = sys.argv[1:]
at_exit.EXIT_SECONDS = float(seconds)
for number in range(20):
    HttpImpressionProducer(address).record("u1", f"a{number}")
"""


def test_many_forgotten_producers_wait_together_and_write_nothing(tmp_path: Path) -> None:
    with dead_address() as address:
        done = run_program(tmp_path, FORGOTTEN, f"http://{address}", "4", seconds=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


SIGNALS = """
import faulthandler, signal, sys
from impression_streams import HttpImpressionProducer

(address,) = sys.argv[1:]
faulthandler.dump_traceback_later(100, exit=True)
producer = HttpImpressionProducer(address, batch_size=3, max_buffered=10_000)
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
    if caught % 20 == 0:
        assert producer.wait(60)
    depth -= 1

signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
while caught < 60:
    producer.record(f"main-{recorded % 7}", f"a{recorded % 5000}")
    recorded += 1
signal.setitimer(signal.ITIMER_REAL, 0)
producer.close()
stats = producer.stats
assert stats.acknowledged == stats.recorded == recorded + caught, (stats, recorded, caught)
"""


def test_a_signal_handler_that_flushes_while_the_main_thread_records_never_deadlocks(
    double: Double, tmp_path: Path
) -> None:
    done = run_program(tmp_path, SIGNALS, double.url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# The greenlet turns while the producer's threads wait for the collector, and while the main greenlet waits for them.
GEVENT = """
import sys
from gevent import monkey
if sys.argv[2] == "before":
    monkey.patch_all()
from impression_streams import HttpImpressionProducer, UndeliveredError
if sys.argv[2] == "after":
    monkey.patch_all()
import faulthandler, gevent
faulthandler.dump_traceback_later(60, exit=True)

turns = 0

def turn():
    global turns
    while True:
        gevent.sleep(0.001)
        turns += 1

def record(name):
    for number in range(10):
        producer.record(name, f"a{number}", impression_id=f"{name}-{number}")
        gevent.sleep(0)

gevent.spawn(turn)
tls = None
if sys.argv[3:]:
    from impression_streams.http.wire import default_context
    tls = default_context()
    tls.load_verify_locations(sys.argv[3])
reported = []
producer = HttpImpressionProducer(sys.argv[1], tls=tls, delivery_timeout=600, on_delivery=reported.append)
gevent.joinall([gevent.spawn(record, f"u{number}") for number in range(10)])
producer.flush()
before = turns
settled = producer.wait(2)
assert settled or turns - before > 20, turns - before
try:
    producer.close(1)
except UndeliveredError as error:
    print("back", sum(len(flush.impressions) for flush in error.flushes))
else:
    print("acknowledged", producer.stats.acknowledged)
assert len(reported) == 10 and turns
"""
WANTED = Counter(f"u{user}-{number}" for user in range(10) for number in range(10))


def under_gevent(*arguments: str) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("gevent", reason="gevent is not installed: it is one of the extra `dev`")
    command = [sys.executable, "-W", "ignore", "-c", GEVENT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("patched", ["before", "after"])
def test_under_gevent_everything_arrives_once(double: Double, patched: str) -> None:
    done = under_gevent(double.url, patched)
    assert (done.returncode, done.stdout) == (0, "acknowledged 100\n"), done.stderr
    assert Counter(double.ids()) == WANTED


@pytest.mark.parametrize("patched", ["before", "after"])
def test_under_gevent_other_greenlets_run_while_a_dead_collector_is_awaited(patched: str) -> None:
    with dead_address() as address:
        done = under_gevent(f"http://{address}", patched)
    assert (done.returncode, done.stdout) == (0, "back 100\n"), done.stderr


@pytest.mark.parametrize("patched", ["before", "after"])
def test_under_gevent_tls_works_too(tmp_path: Path, patched: str) -> None:
    both = certificate_in(tmp_path)
    with running_double(both) as double:
        done = under_gevent(double.url, patched, str(both))
        assert (done.returncode, done.stdout) == (0, "acknowledged 100\n"), done.stderr
        assert Counter(double.ids()) == WANTED
