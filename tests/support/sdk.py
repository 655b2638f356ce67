"""Read back what a producer left on a topic, with a separate client."""

import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.core.decode import DecodedFlush, decode
from streams.kafka.admin import watermarks
from streams.kafka.read import AT_ENDS, reader, to_ends
from streams.provision import topics_file
from streams.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PARTITIONS = 4


@contextmanager
def dead_address() -> Iterator[str]:
    """Reserve a local address where nothing answers while the context lasts."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def create_topic(broker: Settings, name: str) -> None:
    """Create a topic with the settings of impressions.v1."""
    config = topics_file.load(broker)["impressions.v1"].kafka_config(1)
    admin = AdminClient({"bootstrap.servers": broker.kafka_bootstrap})
    admin.create_topics([NewTopic(name, num_partitions=PARTITIONS, config=config)])[name].result(10)


def end_offsets(broker: Settings, topic: str) -> dict[int, int]:
    """Return the number of records in each partition."""
    return {p: watermarks(broker, topic, p)[1] for p in range(PARTITIONS)}


def read_all(broker: Settings, topic: str) -> list[Message]:
    """Return every record of a topic that is no longer written to."""
    consumer = reader(broker, **AT_ENDS)
    batches = to_ends(consumer, [TopicPartition(topic, p, 0) for p in range(PARTITIONS)], 1000, 0.2)
    found = [record for records in batches for record in records]
    consumer.close()
    return found


def impression_ids(records: list[Message]) -> Counter[str]:
    """Count the impressions, judging each line as the worker does."""
    found: Counter[str] = Counter()
    for record in records:
        decoded = decode(record.value() or b"")
        assert isinstance(decoded, DecodedFlush)
        found.update(impression.impression_id for impression in decoded.flush.impressions)
    return found


def run_program(folder: Path, script: str, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a script as a file of its own, which multiprocessing needs, in a folder."""
    program = folder / "program.py"
    program.write_text(script)
    command = [sys.executable, "-X", "faulthandler", str(program), *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
