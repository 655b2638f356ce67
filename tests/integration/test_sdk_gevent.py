"""ImpressionProducer in a process whose standard library gevent has patched, as gunicorn's gevent workers do."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support.kafka import running_broker
from tests.support.sdk import create_topic, dead_address, impression_ids, read_all

pytest.importorskip("gevent", reason="gevent is not installed: it is one of the extra `dev`")
pytestmark = pytest.mark.integration

# The greenlet turns while the producer's threads wait for the broker, and while the main greenlet waits for them.
HOST = """
import sys
from gevent import monkey
if sys.argv[3] == "before":
    monkey.patch_all()
from impression_streams import ImpressionProducer, UndeliveredError
if sys.argv[3] == "after":
    monkey.patch_all()
import faulthandler, gevent, threading
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
reported = []
producer = ImpressionProducer(sys.argv[1], topic=sys.argv[2], delivery_timeout=600, on_delivery=reported.append)
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


def host(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", HOST, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("patched", ["before", "after"])
def test_s07_under_gevent_everything_arrives_once(tmp_path: Path, patched: str) -> None:
    with running_broker(tmp_path) as settings:
        create_topic(settings, "impressions.v1")
        done = host(settings.kafka_bootstrap, "impressions.v1", patched)
        assert (done.returncode, done.stdout) == (0, "acknowledged 100\n"), done.stderr
        wanted = Counter(f"u{user}-{number}" for user in range(10) for number in range(10))
        assert impression_ids(read_all(settings, "impressions.v1")) == wanted


@pytest.mark.parametrize("patched", ["before", "after"])
def test_s07_under_gevent_other_greenlets_run_while_a_dead_broker_is_awaited(patched: str) -> None:
    with dead_address() as address:
        done = host(address, "impressions.v1", patched)
    assert (done.returncode, done.stdout) == (0, "back 100\n"), done.stderr
