"""ImpressionProducer in a process's life: forks, children of multiprocessing, the exit."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.settings import Settings
from tests.support.kafka import running_broker
from tests.support.sdk import create_topic, dead_address, impression_ids, read_all, run_program

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


CHILD = """
import multiprocessing, sys
from impression_streams import ImpressionProducer

def child(address, topic, name):
    producer = ImpressionProducer(address, topic=topic)
    for number in range(3):
        producer.record("u1", f"a{number}", impression_id=f"{name}-{number}")

if __name__ == "__main__":
    address, topic, method = sys.argv[1:]
    parent = ImpressionProducer(address, topic=topic)
    parent.record("u1", "a1", impression_id="parent")
    process = multiprocessing.get_context(method).Process(target=child, args=(address, topic, "child"))
    process.start()
    process.join()
    assert process.exitcode == 0
"""


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_s01_a_multiprocessing_child_that_forgets_its_producer_delivers_at_exit(
    broker: Settings, topic: str, tmp_path: Path, method: str
) -> None:
    done = run_program(tmp_path, CHILD, broker.kafka_bootstrap, topic, method)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert impression_ids(read_all(broker, topic)) == Counter(["parent", "child-0", "child-1", "child-2"])


POOL = """
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
from impression_streams import ImpressionProducer

producer = None

def start(address, topic):
    global producer
    producer = ImpressionProducer(address, topic=topic)

def work(number):
    producer.record(f"u{number % 3}", f"a{number}", impression_id=f"i{number}")

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(2, mp_context=context, initializer=start, initargs=sys.argv[1:]) as pool:
        list(pool.map(work, range(20)))
"""


def test_the_workers_of_a_pool_deliver_at_their_exit(broker: Settings, topic: str, tmp_path: Path) -> None:
    done = run_program(tmp_path, POOL, broker.kafka_bootstrap, topic)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert impression_ids(read_all(broker, topic)) == Counter(f"i{number}" for number in range(20))


FORK = """
import os, sys
from impression_streams import ImpressionProducer

address, topic = sys.argv[1:]
inherited = ImpressionProducer(address, topic=topic)
inherited.record("u1", "a1", impression_id="parent")
if os.fork() == 0:
    for call in (inherited.flush, inherited.close, inherited.take_undelivered, lambda: inherited.record("u", "a")):
        try:
            call()
        except RuntimeError as error:
            assert str(error) == "the producer was made before a fork: make one in each process"
        else:
            raise AssertionError(call)
    del inherited
    own = ImpressionProducer(address, topic=topic)
    own.record("u1", "a1", impression_id="child")
    sys.exit(0)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
"""


def test_a_forked_child_is_told_to_make_its_own_which_delivers_at_exit(
    broker: Settings, topic: str, tmp_path: Path
) -> None:
    done = run_program(tmp_path, FORK, broker.kafka_bootstrap, topic)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert impression_ids(read_all(broker, topic)) == Counter(["parent", "child"])


FORGOTTEN = """
import sys
from impression_streams import ImpressionProducer, at_exit

address, seconds = sys.argv[1:]
at_exit.EXIT_SECONDS = float(seconds)
for number in range(20):
    ImpressionProducer(address).record("u1", f"a{number}")
"""


def test_many_forgotten_producers_wait_together_and_not_one_after_the_other(tmp_path: Path) -> None:
    # One after the other they would take 20 times as long, more than this test may.
    with dead_address() as address:
        done = run_program(tmp_path, FORGOTTEN, address, "4", seconds=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_producer_that_is_sent_to_another_process_is_refused(tmp_path: Path) -> None:
    script = (
        "import pickle\n"
        "from impression_streams import ImpressionProducer\n"
        "pickle.dumps(ImpressionProducer('127.0.0.1:1'))\n"
    )
    done = run_program(tmp_path, script)
    said = "TypeError: ImpressionProducer can't be sent to another process: make one in each process"
    assert done.stderr.splitlines()[-1] == said
