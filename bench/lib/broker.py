"""The bench's own broker: its own folder and ports; the backlog is written before any clock starts."""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import orjson
from confluent_kafka import KafkaError, Message, Producer

from bench.lib.backlog import ARTWORKS, POOL, Record, artwork_id
from streams.embedded import stack
from streams.embedded.kafka import broker
from streams.embedded.kafka.jars import share_jars
from streams.embedded.ports import free_pair
from streams.embedded.run_folder import RunFolder
from streams.errors import UserError
from streams.kafka.admin import describe
from streams.kafka.names import ARTWORKS as CATALOGUE
from streams.kafka.names import IMPRESSIONS
from streams.provision import topics_file
from streams.provision.first_position import ensure_first_position
from streams.provision.topics import provision_kafka
from streams.settings import Settings

HOST = "127.0.0.1"
START_SECONDS = 60.0
# A million records take seconds to write and to read; if it takes this long, something hangs.
TRANSFER_SECONDS = 300.0

Out = Callable[[str], None]


@contextmanager
def only_bench(settings: Settings) -> Iterator[None]:
    """Lock the data folder for this bench. Raises UserError if another one runs: they would stop each other."""
    with RunFolder(settings.data_dir).lock("bench.lock", wait=False) as held:
        if not held:
            raise UserError(f"Another bench runs in {settings.data_dir}: wait for its end.")
        yield


@contextmanager
def running_broker(settings: Settings, out: Out) -> Iterator[Settings]:
    """Run an empty, provisioned broker in `<data_dir>/bench` and yield settings that point to it.

    First stop and remove what an earlier bench left. Remove the folder at the end, but keep it after a failure: its
    logs show why.
    """
    folder = settings.data_dir.resolve() / "bench"
    # Only what the bench sets: another window or chunk would make it another benchmark.
    ours = Settings.model_construct(
        **{
            **Settings.model_construct().model_dump(),
            "data_dir": folder,
            "kafka_bootstrap": f"{HOST}:{free_pair()}",
            "metrics_host": HOST,
            "metrics_port": free_pair(),
            "log_level": "WARNING",
        }
    )
    stack.down(ours, out=lambda _: None)
    shutil.rmtree(folder, ignore_errors=True)
    share_jars(RunFolder(folder), RunFolder(settings.data_dir), out)
    try:
        broker.prepare(ours, out)
        broker.program(RunFolder(folder)).start().wait_until(lambda: broker.is_ready(ours), START_SECONDS)
        provision_kafka(ours, topics_file.load(ours), False, lambda _: None)
        ensure_first_position(ours, describe(ours, IMPRESSIONS))
        yield ours
    finally:
        stack.down(ours, out=lambda _: None)
    shutil.rmtree(folder)


def write(settings: Settings, records: Iterable[Record]) -> int:
    """Write the catalogue and the backlog, each record in its user's partition; return how many records.

    Raises UserError if the broker does not accept all of it in time.
    """
    producer = Producer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": 20,
            "queue.buffering.max.messages": 500_000,
        }
    )
    deadline = time.monotonic() + TRANSFER_SECONDS
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error)

    for ordinal in range(ARTWORKS):
        value = orjson.dumps({"pool_id": POOL, "ordinal": ordinal})
        producer.produce(CATALOGUE, value, key=artwork_id(ordinal), partition=0, on_delivery=delivered)
    count = 0
    for record in records:
        while True:
            try:
                producer.produce(IMPRESSIONS, record.value(), key=record.user_id, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.1)
            if time.monotonic() > deadline:
                raise UserError("The broker did not accept the backlog in time.")
        count += 1
        if not count % 10_000:
            producer.poll(0)
    left = producer.flush(max(0.0, deadline - time.monotonic()))
    if left or failed:
        raise UserError(f"The broker did not accept the backlog: {left} records are left, {len(failed)} failed.")
    return count
