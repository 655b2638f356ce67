"""The stack under load: broker, engine, worker, sink and collectors, in a folder and on ports of its own."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import orjson
from confluent_kafka import KafkaError, Message, Producer

from impression_streams.client import connection
from load.users.plan import artwork_id
from streams.clickhouse.client import connect
from streams.embedded import stack
from streams.embedded.kafka.jars import share_jars
from streams.embedded.kafka.java import require_java
from streams.embedded.ports import free_block, free_pair
from streams.embedded.run_folder import RunFolder
from streams.errors import UserError
from streams.kafka.names import ARTWORKS
from streams.settings import Settings

HOST, POOL = "127.0.0.1", "main"
SERVERS = ("kafka", "clickhouse", "worker-0", "sink-0")
COLLECTOR, OTHER_COLLECTOR = "collector-0", "collector-1"
# Connections that a collector may have beside the users' own.
OTHER_CONNECTIONS = 1_000
CATALOGUE_SECONDS = 120.0
LOOK_SECONDS = 0.2

Out = Callable[[str], None]


@contextmanager
def only_load(settings: Settings) -> Iterator[None]:
    """Lock the data folder's load run. Raises UserError if another one is under way: they would stop each other."""
    with RunFolder(settings.data_dir).lock("load.lock", wait=False) as held:
        if not held:
            raise UserError(f"Another load run is under way in {settings.data_dir}: wait for its end.")
        yield


def load_settings(settings: Settings, users: int) -> Settings:
    """Return the settings of the stack: `<data_dir>/load`, free ports, and what a crowd at one address needs.

    All else is as it comes. Of the collector's limits, those of an address are off, since all users have the same, and
    it takes as many connections as there are users.
    """
    defaults = Settings.model_construct().model_dump()
    return Settings.model_construct(
        **{
            **defaults,
            "data_dir": settings.data_dir.resolve() / "load",
            "kafka_bootstrap": f"{HOST}:{free_pair()}",
            "clickhouse_url": f"http://{HOST}:{free_pair()}",
            "metrics_host": HOST,
            "metrics_port": free_pair(),
            "log_level": "WARNING",
            "collector_host": HOST,
            "collector_port": free_block(2),
            "collector_address_rate": 0.0,
            "collector_address_share": 1.0,
            "collector_connections": users + OTHER_CONNECTIONS,
        }
    )


@contextmanager
def running(ours: Settings, settings: Settings, artworks: int, out: Out) -> Iterator[None]:
    """Run the stack with one collector and a catalogue, from an empty folder; stop it whatever happens.

    The folder stays: it has the logs, and the users' ledgers. The next run empties it.
    """
    require_java()
    folder = RunFolder(ours.data_dir)
    if folder.recorded():
        stack.down(ours, out=lambda _line: None)
    shutil.rmtree(ours.data_dir, ignore_errors=True)
    share_jars(folder, RunFolder(settings.data_dir), out)
    try:
        # Every topic and migration is new, and each would be an indented line.
        stack.up(ours, (*SERVERS, COLLECTOR), out=lambda line: None if line.startswith(" ") else out(line))
        catalogue(ours, artworks)
        yield
    finally:
        stack.down(ours, out=lambda _line: None)


def catalogue(settings: Settings, artworks: int) -> None:
    """Write a pool of artworks; return once ClickHouse has them. Raises UserError if that doesn't happen in time."""
    producer = Producer({**connection(settings.kafka_bootstrap), "enable.idempotence": True, "linger.ms": 20})
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(error)

    for ordinal in range(artworks):
        value = orjson.dumps({"pool_id": POOL, "ordinal": ordinal, "created_at": 1_700_000_000_000})
        producer.produce(ARTWORKS, value, key=artwork_id(ordinal), partition=0, on_delivery=delivered)
        producer.poll(0)
    if producer.flush(CATALOGUE_SECONDS) or failed:
        raise UserError("The broker did not accept the catalogue; see its log.")
    deadline = time.monotonic() + CATALOGUE_SECONDS
    with closing(connect(settings)) as client:
        query = f"SELECT count() FROM {settings.clickhouse_database}.artworks"
        while int(client.query(query).result_rows[0][0]) < artworks:
            if time.monotonic() > deadline:
                raise UserError("The catalogue did not reach ClickHouse; see the sink's log.")
            time.sleep(LOOK_SECONDS)


def address(settings: Settings, collector: int = 0) -> str:
    """Return a collector's address."""
    return f"http://{HOST}:{settings.collector_port + collector}"
