"""The sink as a process of its own, and what feeds it: records as the worker commits them."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import orjson
from confluent_kafka import Producer

from streams.embedded.components import environment
from streams.settings import Settings
from tests.support.wait import until

START_SECONDS = 60.0
STOP_SECONDS = 30.0
TRANSACTION_SECONDS = 30.0

# What the command line does with an error of the user's.
_PROGRAM = """
import sys
from streams import log
from streams.errors import UserError
from streams.settings import Settings
from streams.sink.run import main
log.configure()
try:
    main(Settings.load(), int(sys.argv[1]))
except UserError as error:
    print(error)
    sys.exit(2)
"""


class SinkProcess:
    """Sink `index` with the given settings; its log is in `<folder>/sink-<index>.log`."""

    def __init__(self, settings: Settings, folder: Path, index: int = 0) -> None:
        self.settings = settings
        self.index = index
        self.log = folder / f"sink-{index}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it; don't wait."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, str(self.index)],
                env=os.environ | environment(self.settings),
                stdout=out,
                stderr=out,
            )

    def wait_ready(self) -> None:
        """Return once it reads all of its partitions."""
        until(lambda: self.metric("impressions_sink_ready") == 1, START_SECONDS, "the sink is ready")

    def kill(self) -> None:
        """Kill it as kill -9 does, if it runs."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> int:
        """Ask it to end; return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.wait_exit()

    def wait_exit(self) -> int:
        """Return the exit code once it has ended."""
        assert self.process is not None
        return self.process.wait(STOP_SECONDS)

    def metrics(self) -> str:
        """Return its metrics, empty while it serves none."""
        port = self.settings.metrics_port + 10 * self.index + 1
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=1) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, OSError):
            return ""

    def metric(self, name: str) -> float | None:
        """Return the sum of a metric over its labels, None while there is none. `name` may end with labels."""
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
        """Write (topic, partition, value) records as one transaction."""
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
    """Write (key, value) records as people do; a value is JSON unless it is bytes, or None."""
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap})
    for key, value in records:
        text = value if value is None or isinstance(value, bytes) else orjson.dumps(value)
        producer.produce(topic, text, key=key, partition=0)
    assert producer.flush(TRANSACTION_SECONDS) == 0


def joined(rows: Iterable[dict[str, Any]]) -> bytes:
    """One row a line, as the worker writes them: without the coordinates, which the sink adds."""
    return b"\n".join(
        orjson.dumps({name: value for name, value in row.items() if not name.startswith("kafka_")}) for row in rows
    )
