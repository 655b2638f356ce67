"""The embedded broker: Apache Kafka itself, in KRaft mode, in one JVM, with its data under the data folder.

`prepare` makes everything that a start needs, `program` is the process to start, `is_ready` says whether it serves.
"""

import base64
import os
import shutil
import socket
import tempfile
import uuid
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from string import Template

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

from streams.embedded import tool
from streams.embedded.kafka.jars import fetch_jars, kafka_version, libs_dir
from streams.embedded.kafka.java import find_java, java_environment, require_java
from streams.embedded.ports import Address, controller_address, kafka_address, require_free
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from streams.errors import UserError
from streams.settings import Settings

NAME = "kafka"
SETTING = "IMPRESSIONS_KAFKA_BOOTSTRAP"
STORAGE_TOOL = "kafka.tools.StorageTool"

# The broker relies on the page cache, not on its heap: 285 MB are resident after a start. There is one collector
# thread, because the workers need the two cores. Both compilers stay on: without the second, a start is 0.3 s shorter
# (1.5 instead of 1.8 s), but the broker is slower from then on.
JVM = ("-Xms256m", "-Xmx1g", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true")
# Log warnings to stderr, which goes to the process's log file; INFO would be a thousand lines a start.
LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSX",
)
# One attempt of a request while a broker starts: long enough for a loaded machine, short enough to notice a crash.
TRY_SECONDS = 2.0


def prepare(settings: Settings, out: Callable[[str], None]) -> None:
    """Fetch the jars, check the ports, write the configuration and format the data folder, as far as needed.

    Raises UserError for a missing tool, a failed fetch, a port in use, or data of another Kafka version.
    """
    broker, folder = embedded_address(settings), RunFolder(settings.data_dir)
    data, java = data_dir(folder), require_java()
    for sign, whose in ((",", "Kafka"), (":", "Java")):
        if sign in str(data):
            raise UserError(
                f"The data folder {data} has a {sign!r} in its name, which {whose} takes for a list: set "
                "IMPRESSIONS_DATA_DIR to another."
            )
    check_version(data)
    fetch_jars(folder, out)
    require_free(broker, "the embedded Kafka", SETTING)
    controller = controller_address(broker)
    require_free(controller, "Kafka's controller (always the port after the broker's)", SETTING)
    properties_file(folder).write_text(properties(broker, controller, data), encoding="ascii")
    # A killed JVM leaves its unpacked native libraries behind.
    shutil.rmtree(scratch_dir(folder), ignore_errors=True)
    scratch_dir(folder).mkdir(parents=True)
    if not data.exists():
        format_data(java, folder, broker, controller)


def program(folder: RunFolder) -> Program:
    """Return the broker's program; `prepare` makes the files that it names."""
    # Without Java, `prepare` stops with a sentence; a caller that only looks at the program does not need Java.
    scratch = f"-Djava.io.tmpdir={scratch_dir(folder)}"
    argv = [find_java() or "java", *JVM, scratch, *LOGGING, "-cp", f"{libs_dir(folder)}/*", "kafka.Kafka"]
    return Program(NAME, folder, [*argv, str(properties_file(folder))], java_environment())


def embedded_address(settings: Settings) -> Address:
    """Return the broker's address. Raises UserError when the settings name a broker elsewhere."""
    address = kafka_address(settings)
    if address is None:
        raise UserError(
            f"{SETTING} is {settings.kafka_bootstrap}, which is not this machine's: unset it to use the embedded Kafka."
        )
    return address


def data_dir(folder: RunFolder) -> Path:
    """Return the folder of the broker's logs."""
    return folder.kafka / "data"


def scratch_dir(folder: RunFolder) -> Path:
    """Return the folder of the JVM's temporary files, which each start empties."""
    return folder.kafka / "tmp"


def properties_file(folder: RunFolder) -> Path:
    """Return the configuration of the last start."""
    return folder.kafka / "server.properties"


def properties(broker: Address, controller: Address, log_dirs: Path) -> str:
    """Return the text of server.properties for these addresses and this folder."""
    template = Template(files("streams.embedded.kafka").joinpath("server.properties").read_text())
    return template.substitute(bind=broker, advertised=broker, controller=controller, log_dirs=escaped(str(log_dirs)))


def escaped(text: str) -> str:
    """Return a value of a properties file: Java takes its bytes for Latin-1, and a backslash for an escape's start."""
    units = text.replace("\\", "\\\\").encode("utf-16-be", "surrogatepass").hex(" ", 2).split()
    return "".join(chr(int(unit, 16)) if int(unit, 16) < 0x80 else f"\\u{unit}" for unit in units)


def check_version(data: Path) -> None:
    """Raise UserError when another major.minor version of Kafka created the data folder."""
    stamp = data / "VERSION"
    if not data.exists():
        return
    made_by = stamp.read_text().strip() if stamp.exists() else "an unknown version"
    if made_by.split(".")[:2] != kafka_version().split(".")[:2]:
        raise UserError(
            f"{data} was made by Kafka {made_by} and this is {kafka_version()}: "
            f"move that folder away to start with an empty log, or go back to that version."
        )


def format_data(java: str, folder: RunFolder, broker: Address, controller: Address) -> None:
    """Format the data folder with a new cluster id. It appears complete, version stamp included, or not at all."""
    data = data_dir(folder)
    with tempfile.TemporaryDirectory(prefix="format-", dir=data.parent) as scratch:
        fresh, config = Path(scratch, "data"), Path(scratch, "server.properties")
        config.write_text(properties(broker, controller, fresh))
        storage = [java, "-XX:TieredStopAtLevel=1", LOGGING[0], "-cp", f"{libs_dir(folder)}/*", STORAGE_TOOL]
        argv = [*storage, "format", "-t", new_cluster_id(), "-c", str(config)]
        done = tool.run(argv, environment=java_environment())
        if done.returncode != 0:
            log = folder.log(NAME)
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(done.stdout + done.stderr)
            raise UserError(f"Kafka could not format its data folder {data}; its log is {log}.")
        (fresh / "VERSION").write_text(kafka_version() + "\n")
        os.rename(fresh, data)


def new_cluster_id() -> str:
    """Return a random id as Kafka's own Uuid.randomUuid does: base64 that never begins with a dash.

    StorageTool would read an id that begins with a dash as an option.
    """
    while True:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not cluster_id.startswith("-"):
            return cluster_id


def is_ready(settings: Settings) -> bool:
    """Return whether the broker answers and its coordinator gives out producer ids, which all our writes need."""
    try:
        socket.create_connection(embedded_address(settings), TRY_SECONDS).close()
    except OSError:
        return False
    # librdkafka reports refused connections on stderr; here they are expected.
    client: dict[str, str | int | float | bool] = {"bootstrap.servers": settings.kafka_bootstrap, "log_level": 0}
    try:
        AdminClient(client).list_topics(timeout=TRY_SECONDS)
        Producer({**client, "transactional.id": "impressions-ready"}).init_transactions(TRY_SECONDS)
    except KafkaException:
        return False
    return True
