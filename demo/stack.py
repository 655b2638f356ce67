"""The demo's own embedded stack, with its own data folder and free ports."""

import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from streams.embedded import stack
from streams.embedded.kafka.jars import share_jars
from streams.embedded.kafka.java import require_java
from streams.embedded.ports import Address, free_pair, is_free, kafka_address
from streams.embedded.run_folder import RunFolder
from streams.errors import UserError
from streams.runtime.loopback import is_loopback
from streams.settings import Settings

Out = Callable[[str], None]
HOST = "127.0.0.1"


@contextmanager
def only_demo(settings: Settings) -> Iterator[None]:
    """Lock the data folder's demo.

    Raises UserError if another one is playing, because they would stop each other, or if the folder can't be used.
    """
    with ExitStack() as cleanup:
        try:
            held = cleanup.enter_context(RunFolder(settings.data_dir).lock("demo.lock", wait=False))
        except OSError as error:
            raise UserError(unusable(settings.data_dir.absolute(), error)) from None
        if not held:
            raise UserError(f"Another demo is playing in {settings.data_dir}: wait for its end.")
        yield


def demo_settings(settings: Settings, out: Out) -> Settings:
    """Return the settings of the demo's stack: `<data_dir>/demo`, and the usual addresses if all are free.

    What an earlier demo left running is stopped first.
    """
    demo = settings.model_copy(update={"data_dir": folder(settings)})
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


def folder(settings: Settings) -> Path:
    """Return the demo's own data folder."""
    return settings.data_dir.resolve() / "demo"


def start(demo: Settings, settings: Settings, out: Out) -> None:
    """Empty the demo's folder and start the stack in it.

    Kafka's jars are shared with the ordinary stack of `settings`, so they are fetched only once. Raises UserError if
    something does not start; then nothing is left running.
    """
    # Before Maven, which needs it too, and says so less clearly.
    require_java()
    if demo.data_dir.exists():
        shutil.rmtree(demo.data_dir)
    share_jars(RunFolder(demo.data_dir), RunFolder(settings.data_dir), out)
    stack.up(demo, out=out)


def stop(settings: Settings, out: Out) -> None:
    """Stop every process of the demo's stack; the data stays until the next demo."""
    stack.down(settings, out=out)


def unusable(folder: Path, error: OSError) -> str:
    """Return the sentence about a data folder that can't be written."""
    return f"{folder} can't be used: {error.strerror}. Set IMPRESSIONS_DATA_DIR to a folder that you can write to."


def introduction(settings: Settings, demo: Settings) -> list[str]:
    """Return the lines that say where the demo's stack is."""
    moved = demo.kafka_bootstrap != settings.kafka_bootstrap
    return [
        f"Kafka {demo.kafka_bootstrap}, ClickHouse {demo.clickhouse_url}",
        f"metrics from port {demo.metrics_port}, data in {shown(demo.data_dir)}",
        *(["These are free ones: the usual addresses are in use."] if moved else []),
    ]


def how_to_stop(demo: Settings) -> str:
    """Return the sentence that says what was left running, and how to stop it."""
    if not RunFolder(demo.data_dir).recorded():
        return "Nothing was left running."
    command = Path(sys.executable).parent / "impressions"
    return (
        f"The stack was left running, at the addresses above. The next demo stops it, and so does: "
        f"IMPRESSIONS_DATA_DIR={shlex.quote(str(shown(demo.data_dir)))} {shlex.quote(str(shown(command)))} down"
    )


def shown(path: Path) -> Path:
    """Return the path from the working directory if it is below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


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
