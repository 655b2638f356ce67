"""The SDK in a host process whose broker is down: what appears in the host's logs, and what does not."""

import logging
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from impression_streams import ImpressionProducer
from impression_streams.log import LOGGER
from tests.support.kafka import running_broker
from tests.support.sdk import create_topic, dead_address, impression_ids, read_all

pytestmark = pytest.mark.integration

# An outage of a few seconds with many failed connections, records that are given up, and a forgotten producer.
HOST = """
import logging, sys
from impression_streams import ImpressionProducer, UndeliveredError

if sys.argv[2:]:
    logging.basicConfig(level=sys.argv[2])
fast = {"reconnect.backoff.ms": 1, "reconnect.backoff.max.ms": 10}
producer = ImpressionProducer(sys.argv[1], delivery_timeout=1.0, config=fast)
for number in range(50):
    producer.record(f"secret-user-{number}", "a1")
producer.flush()
assert producer.wait(20)
try:
    producer.close(0)
except UndeliveredError as error:
    print(sum(len(flush.impressions) for flush in error.flushes))
"""


def host(*arguments: str) -> subprocess.CompletedProcess[str]:
    with dead_address() as address:
        command = [sys.executable, "-c", HOST, address, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_host_that_configures_no_logging_sees_nothing() -> None:
    done = host()
    assert (done.returncode, done.stdout, done.stderr) == (0, "50\n", "")


def test_a_host_that_configures_logging_gets_few_lines_without_payloads() -> None:
    done = host("WARNING")
    assert (done.returncode, done.stdout) == (0, "50\n")
    names = Counter(line.split()[0] for line in done.stderr.splitlines())
    assert names == {"WARNING:impression_streams:broker_error": 1, "ERROR:impression_streams:delivery_failed": 1}
    assert "secret-user" not in done.stderr


def test_a_forgotten_producer_writes_nothing_either() -> None:
    script = (
        "import sys\nfrom impression_streams import ImpressionProducer\n"
        "ImpressionProducer(sys.argv[1], delivery_timeout=0.2).record('u1', 'a1')\n"
    )
    with dead_address() as address:
        command = [sys.executable, "-c", script, address]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


class Refusing(logging.Handler):
    """A handler with a defect."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        raise OSError("no space left on device")


@pytest.fixture
def refusing() -> Iterator[Refusing]:
    handler = Refusing()
    LOGGER.addHandler(handler)
    yield handler
    LOGGER.removeHandler(handler)


def test_an_unwritable_log_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusing: Refusing) -> None:
    monkeypatch.setattr(LOGGER, "level", logging.DEBUG)
    with running_broker(tmp_path) as settings:
        create_topic(settings, "impressions.v1")
        with ImpressionProducer(
            settings.kafka_bootstrap,
            batch_size=1,
            config={"debug": "broker,msg", "log_level": 7},  # librdkafka's own lines, dozens of them
        ) as producer:
            ids = Counter(producer.record("u1", f"a{number}") for number in range(100))
        assert impression_ids(read_all(settings, "impressions.v1")) == ids
    assert len(refusing.lines) > 10


# A host whose stdout is a pipe that nobody reads any more, as in `app | head`.
DEAD_STDOUT = """
import os, sys
from impression_streams import ImpressionProducer, UndeliveredError

if sys.argv[2:]:
    import logging
    logging.basicConfig(stream=sys.stdout, level=logging.DEBUG)
read, write = os.pipe()
os.close(read)
os.dup2(write, 1)
producer = ImpressionProducer(sys.argv[1], flush_interval=0.2, delivery_timeout=5)
for number in range(20):
    producer.record("stdout-user", f"a{number}")
try:
    producer.close(3)
except UndeliveredError as error:
    sys.stderr.write(f"back {sum(len(flush.impressions) for flush in error.flushes)}\\n")
sys.stderr.flush()
os._exit(0)  # Python itself would fail to flush its stdout
"""


@pytest.mark.parametrize("logs_to_stdout", [(), ("yes",)])
def test_s05_with_an_unwritable_stdout_close_hands_back_all_20(logs_to_stdout: tuple[str, ...]) -> None:
    with dead_address() as address:
        command = [sys.executable, "-c", DEAD_STDOUT, address, *logs_to_stdout]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "back 20")


@pytest.mark.parametrize("logs_to_stdout", [(), ("yes",)])
def test_s05_with_an_unwritable_stdout_a_broker_beside_a_dead_one_gets_all_20(
    tmp_path: Path, logs_to_stdout: tuple[str, ...]
) -> None:
    with dead_address() as address, running_broker(tmp_path) as settings:
        create_topic(settings, "impressions.v1")
        command = [sys.executable, "-c", DEAD_STDOUT, f"{address},{settings.kafka_bootstrap}", *logs_to_stdout]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        # logging itself complains on stderr, with tracebacks.
        assert (done.returncode, [line for line in done.stderr.splitlines() if line.startswith("back ")]) == (0, [])
        assert impression_ids(read_all(settings, "impressions.v1")).total() == 20


# A host whose stdout is its product.
PRODUCT = """
import json, sys
from impression_streams import ImpressionProducer, UndeliveredError

producer = ImpressionProducer(sys.argv[1], delivery_timeout=1, config={"debug": "all"})
print(json.dumps({"row": 1}), flush=True)
producer.record("u1", "a1")
producer.flush()
assert producer.wait(30)
try:
    producer.close(1)
except UndeliveredError:
    pass
print(json.dumps({"row": 2}))
"""


def test_s06_no_line_of_ours_is_on_stdout() -> None:
    with dead_address() as address:
        command = [sys.executable, "-c", PRODUCT, address]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, '{"row": 1}\n{"row": 2}\n', "")
