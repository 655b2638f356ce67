"""The sink as a separate process, and what feeds it: records as the worker commits them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import orjson
from confluent_kafka import Producer

from streams.settings import Settings
from streams.sink.blocks import Block, Source, build
from streams.sink.feeds import FEEDS
from streams.sink.read_rows import parser
from streams.sink.records import Record
from tests.support.program import MemberProcess

TRANSACTION_SECONDS = 30.0


class SinkProcess(MemberProcess):
    """Sink `index` with the given settings; its process record and its log are in `folder`."""

    def __init__(self, settings: Settings, folder: Path, index: int = 0) -> None:
        super().__init__("sink", settings, index, folder=folder)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def metric(self, name: str) -> float | None:
        """Return the sum of a metric over its labels, None while it has no value. `name` may end with labels."""
        values = [
            float(line.rsplit(" ", 1)[1])
            for line in self.metrics().splitlines()
            if line.split(" ")[0] == name or ("{" not in name and line.startswith(name + "{"))
        ]
        return sum(values) if values else None


class TransactionalFeeder:
    """Writes records in transactions, as the worker does."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": settings.kafka_bootstrap,
                "transactional.id": name,
                "compression.type": "lz4",
                "message.max.bytes": 8 * 2**20,
            }
        )
        self._producer.init_transactions(TRANSACTION_SECONDS)

    def commit(self, *records: tuple[str, int, bytes]) -> None:
        """Write (topic, partition, value) records in one transaction."""
        self._write(records)
        self._producer.commit_transaction(TRANSACTION_SECONDS)

    def abort(self, *records: tuple[str, int, bytes]) -> None:
        """Write records to the log and abort their transaction."""
        self._write(records)
        self._producer.flush(TRANSACTION_SECONDS)
        self._producer.abort_transaction(TRANSACTION_SECONDS)

    def _write(self, records: Sequence[tuple[str, int, bytes]]) -> None:
        self._producer.begin_transaction()
        for topic, partition, value in records:
            self._producer.produce(topic, value, partition=partition)


def produce_artworks(settings: Settings, topic: str, records: Iterable[tuple[str, Any]]) -> None:
    """Write (key, value) records as people do; a value is JSON unless it is bytes or None."""
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap})
    for key, value in records:
        text = value if value is None or isinstance(value, bytes) else orjson.dumps(value)
        producer.produce(topic, text, key=key, partition=0)
    assert producer.flush(TRANSACTION_SECONDS) == 0


def joined(rows: Iterable[dict[str, Any]]) -> bytes:
    """One row per line as the worker writes it: without the coordinates, which the sink adds."""
    return b"\n".join(
        orjson.dumps({name: value for name, value in row.items() if not name.startswith("kafka_")}) for row in rows
    )


def block(
    topic: str, topic_id: str, *values: bytes, key: bytes | None = None, first: int = 7, placing: str = "p1"
) -> Block:
    """A block of a log's partition 3, whose records hold these values."""
    source = Source(FEEDS[topic], topic_id, 3, placing)
    return build(source, [Record(first + n, 0, key, v) for n, v in enumerate(values)], parser(topic))
