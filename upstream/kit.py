"""What the reproductions share: a broker to write to and to inspect, workers as processes, and the verdict.

It talks to the broker with confluent-kafka, so the client that observes is not the one observed.
"""

import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

REPRODUCED, NOT_REPRODUCED, COULD_NOT_RUN = 1, 0, 2
REQUEST_SECONDS = 15.0
POLL_SECONDS = 0.05
# A worker starts in two seconds; on a machine busy with other tests it takes several times that.
START_SECONDS = 45.0
# A group's first coordinator is still being found or loading: no commit is known.
COORDINATOR_AWAY = (
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)


class Broker:
    """The broker at an address. Topics' and groups' names begin with `name`, which no other run uses."""

    def __init__(self, address: str) -> None:
        self.address, self.name = address, f"upstream-{uuid.uuid4().hex[:12]}"
        self._conf: dict[str, str | int | float | bool] = {"bootstrap.servers": address, "log_level": 0}
        self._admin = AdminClient(self._conf)

    def create(self, topic: str, partitions: int = 1, **config: str) -> None:
        """Create a topic; write a config's dots as underscores."""
        settings = {key.replace("_", "."): value for key, value in config.items()}
        self._admin.create_topics([NewTopic(topic, partitions, 1, config=settings)])[topic].result(REQUEST_SECONDS)

    def clean_up(self) -> None:
        """Delete every topic of this run, whoever created it."""
        names = [topic for topic in self._admin.list_topics(timeout=REQUEST_SECONDS).topics if self.name in topic]
        if names:
            for deleted in self._admin.delete_topics(names).values():
                deleted.result(REQUEST_SECONDS)

    def produce(self, topic: str, values: Sequence[bytes], transactional: bool = False) -> None:
        """Write values to partition 0, each as its own key, in one transaction if wanted."""
        producer = Producer({**self._conf, **({"transactional.id": topic} if transactional else {})})
        if transactional:
            producer.init_transactions(REQUEST_SECONDS)
            producer.begin_transaction()
        for value in values:
            producer.produce(topic, value, key=value, partition=0)
        assert producer.flush(REQUEST_SECONDS) == 0
        if transactional:
            producer.commit_transaction(REQUEST_SECONDS)

    def committed(self, group: str, topic: str) -> int:
        """Return the next offset of partition 0 that the group would read; negative if it has committed none."""
        consumer = Consumer({**self._conf, "group.id": group})
        try:
            (found,) = consumer.committed([TopicPartition(topic, 0)], timeout=REQUEST_SECONDS)
        except KafkaException as error:
            if error.args[0].code() in COORDINATOR_AWAY:
                return -1
            raise
        finally:
            consumer.close()
        return int(found.offset)

    def end(self, topic: str) -> int:
        """Return how many offsets partition 0 has."""
        consumer = Consumer({**self._conf, "group.id": "unused"})
        try:
            return int(consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=REQUEST_SECONDS)[1])
        finally:
            consumer.close()


class Worker:
    """This script as a worker, in a process of its own and an empty folder."""

    def __init__(self, folder: Path, argv: Sequence[str]) -> None:
        self._out, self._log = folder / "out", folder / "log"
        with self._out.open("wb") as out, self._log.open("wb") as log:
            command = [sys.executable, str(Path(sys.argv[0]).resolve()), *argv]
            self.process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=log)

    def said(self) -> list[str]:
        """The lines that it has printed. Raises RuntimeError if it ended without being asked to."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the worker ended with {self.process.returncode}: {self._log.read_text()[-3000:]}")
        return self._out.read_text().splitlines()


@contextmanager
def worker(broker: Broker, *arguments: str) -> Iterator[Worker]:
    """Run a worker, and kill it at the end."""
    with tempfile.TemporaryDirectory() as folder:
        running = Worker(Path(folder), [broker.address, broker.name, *arguments])
        try:
            yield running
        finally:
            running.process.kill()
            running.process.wait()


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def until(condition: Callable[[], object], seconds: float = START_SECONDS) -> bool:
    """Wait for a condition; return False if it does not come true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(POLL_SECONDS)
    return False


def need(condition: Callable[[], object], what: str) -> None:
    """Wait for a reproduction's precondition. Raises RuntimeError if it does not come true: that is not a verdict."""
    if not until(condition):
        raise RuntimeError(f"not within {START_SECONDS:.0f} s: {what}")


def run(reproduce: Callable[[Broker], str | None], work: Callable[..., None] | None = None) -> NoReturn:
    """Run the script: with an address, `reproduce`, which returns what it saw, if anything; with more, a worker."""
    address, *arguments = sys.argv[1:]
    if arguments and work is not None:
        work(address, *arguments)
        sys.exit(0)
    broker = Broker(address)
    try:
        seen = reproduce(broker)
    except Exception as error:
        say(f"could not run: {error}")
        sys.exit(COULD_NOT_RUN)
    finally:
        broker.clean_up()
    say(f"reproduced: {seen}" if seen else "not reproduced")
    sys.exit(REPRODUCED if seen else NOT_REPRODUCED)
