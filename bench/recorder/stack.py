"""Broker, engine, worker, sink and collector for real browsers, with a catalogue."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.lib.broker import HOST, only_bench, running_broker
from bench.lib.figures import say
from bench.lib.measure import used_by
from load.stack import catalogue
from streams.embedded import stack
from streams.embedded.ports import free_block, free_pair
from streams.settings import Settings

COMPONENTS = ("clickhouse", "worker-0", "sink-0", "collector-0")
# What records, decides and stores; the engine is ClickHouse's.
PROGRAMS = {
    "collector-0": "collector",
    "kafka": "broker",
    "worker-0": "worker",
    "sink-0": "sink",
    "clickhouse": "engine",
}
ARTWORKS = 20_000


@contextmanager
def running(origins: str) -> Iterator[Settings]:
    """Run all of it, from an empty folder; pages of `origins` may record and read."""
    settings = Settings.load()
    with only_bench(settings), running_broker(settings, say) as brokers:
        ours = brokers.model_copy(
            update={
                "clickhouse_url": f"http://{HOST}:{free_pair()}",
                "collector_port": free_block(1),
                "collector_origins": origins,
                # One address has all users.
                "collector_address_rate": 0.0,
                "collector_address_share": 1.0,
                "collector_user_rate": 0.0,
            }
        )
        stack.up(ours, COMPONENTS, out=lambda line: None if line.startswith(" ") else say(line))
        catalogue(ours, ARTWORKS)
        yield ours


def cpu(settings: Settings) -> dict[str, float]:
    """Return the CPU seconds that each program has used."""
    return {title: used_by(name, settings).cpu_seconds for name, title in PROGRAMS.items()}
