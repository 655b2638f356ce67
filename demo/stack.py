"""The demo's own embedded stack, with its own data folder and free ports."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from streams.embedded import stack
from streams.embedded.kafka.jars import share_jars
from streams.embedded.ports import Address, free_pair, is_free, kafka_address
from streams.embedded.run_folder import RunFolder
from streams.errors import UserError
from streams.runtime.loopback import is_loopback
from streams.settings import Settings

Out = Callable[[str], None]
HOST = "127.0.0.1"


@contextmanager
def only_demo(settings: Settings) -> Iterator[None]:
    """Lock the data folder's demo. Raises UserError if another one is playing: they would stop each other."""
    with RunFolder(settings.data_dir).lock("demo.lock", wait=False) as held:
        if not held:
            raise UserError(f"Another demo is playing in {settings.data_dir}: wait for its end.")
        yield


def demo_settings(settings: Settings, out: Out) -> Settings:
    """Return the settings of the demo's stack: `<data_dir>/demo`, and the usual addresses if all are free.

    What an earlier demo left running is stopped first.
    """
    demo = settings.model_copy(update={"data_dir": settings.data_dir.resolve() / "demo"})
    if RunFolder(demo.data_dir).recorded():
        stack.down(demo, out=out)
    if _usual_addresses_are_free(settings):
        return demo
    addresses = {
        "kafka_bootstrap": f"{HOST}:{free_pair()}",
        "clickhouse_url": f"http://{HOST}:{free_pair()}",
        "metrics_host": HOST,
        "metrics_port": free_pair(),
    }
    return demo.model_copy(update=addresses)


def start(demo: Settings, settings: Settings, out: Out) -> None:
    """Empty the demo's folder and start the stack in it.

    Kafka's jars are shared with the ordinary stack of `settings`, so they are fetched only once. Raises UserError if
    something does not start; then nothing is left running.
    """
    if demo.data_dir.exists():
        shutil.rmtree(demo.data_dir)
    share_jars(RunFolder(demo.data_dir), RunFolder(settings.data_dir), out)
    stack.up(demo, out=out)


def stop(settings: Settings, out: Out) -> None:
    """Stop every process of the demo's stack; the data stays until the next demo."""
    stack.down(settings, out=out)


def how_to_stop(demo: Settings) -> str:
    """Return the sentence that says what was left running, and how to stop it."""
    if not RunFolder(demo.data_dir).recorded():
        return "Nothing was left running."
    return (
        f"The stack was left running, at the addresses above; `IMPRESSIONS_DATA_DIR={demo.data_dir} impressions down` "
        f"stops it, and so does the next demo."
    )


def _usual_addresses_are_free(settings: Settings) -> bool:
    kafka = kafka_address(settings)
    clickhouse = Address(*settings.clickhouse_address)
    if kafka is None or not is_loopback(clickhouse.host):
        return False
    metrics = Address(settings.metrics_host, settings.metrics_port)
    # Kafka's controller and the sink's metrics use the next port.
    return is_free(clickhouse) and all(
        is_free(Address(first.host, first.port + more)) for first in (kafka, metrics) for more in (0, 1)
    )
