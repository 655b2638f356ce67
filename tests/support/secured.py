"""The three brokers of docker-compose.production.yml on this machine: the same configuration, other addresses."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streams.embedded.kafka import broker as kafka
from streams.embedded.kafka.jars import libs_dir, share_jars
from streams.embedded.kafka.java import require_java
from streams.embedded.ports import free_pair
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from tests.support.compose_file import BASE, PRODUCTION, filled, load

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("kafka", "kafka-2", "kafka-3")
# Three brokers share two cores, but each has little to do.
JVM = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-XX:TieredStopAtLevel=1")
SECONDS = 60.0
# Variables that the image's own script uses (KafkaDockerWrapper).
NOT_PROPERTIES = {"KAFKA_HEAP_OPTS"}


def make_secrets(folder: Path) -> Path:
    """Create secrets as the documentation describes; return their folder."""
    made = folder / "secrets"
    subprocess.run([ROOT / "deploy" / "secrets.sh", made], check=True, capture_output=True, timeout=SECONDS)
    return made


def environments() -> dict[str, dict[str, str]]:
    """The environment of each broker as compose merges it, with variables left as they are."""
    base, production = load(BASE), load(PRODUCTION)
    first = base["services"]["kafka"]["environment"]
    return {name: {**first, **production["services"][name]["environment"]} for name in SERVICES}


def properties(environment: dict[str, str], **values: str) -> dict[str, str]:
    """The properties that the image derives from an environment: `KAFKA_A_B__C___D` becomes `a.b_c-d`."""
    return {
        name.removeprefix("KAFKA_").lower().replace("_", ".").replace("...", "-").replace("..", "_"): filled(
            str(value), **values
        )
        for name, value in environment.items()
        if name.startswith("KAFKA_") and name not in NOT_PROPERTIES
    }


class Broker:
    """One of the brokers. Its addresses are on this machine; everything else is as in production."""

    def __init__(self, folder: Path, secrets: Path, environment: dict[str, str], ports: dict[str, tuple[int, int]]):
        name = next(name for name in SERVICES if f"INTERNAL://{name}:" in environment["KAFKA_ADVERTISED_LISTENERS"])
        internal, host = ports[name]
        found = properties(environment, KAFKA_HOST="127.0.0.1", KAFKA_CLUSTER_ID="")
        found |= {
            "listeners": f"INTERNAL://127.0.0.1:{internal},CONTROLLER://127.0.0.1:{internal + 1},HOST://127.0.0.1:{host}",
            "advertised.listeners": f"INTERNAL://127.0.0.1:{internal},HOST://127.0.0.1:{host}",
            "controller.quorum.voters": ",".join(
                f"{number}@127.0.0.1:{ports[each][0] + 1}" for number, each in enumerate(SERVICES, 1)
            ),
            "log.dirs": str(folder / "data" / name),
            # Fewer files to create than for a large cluster.
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.num.partitions": "4",
        }
        text = "\n".join(f"{key}={value}" for key, value in found.items()).replace("/run/secrets", str(secrets))
        self.config = folder / f"{name}.properties"
        self.config.write_text(text + "\n")
        classpath = f"{libs_dir(RunFolder(folder))}/*"
        self._java = [require_java(), *JVM, *kafka.LOGGING, "-cp", classpath]
        self.program = Program(name, RunFolder(folder), [*self._java, "kafka.Kafka", str(self.config)])

    def format(self, cluster_id: str) -> None:
        """Prepare its folder as the image does on starting."""
        argv = [*self._java, kafka.STORAGE_TOOL, "format", "-t", cluster_id, "-c", str(self.config)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=SECONDS)
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def running_brokers(folder: Path) -> Iterator[tuple[dict[str, Any], list[Broker]]]:
    """Run the brokers; yield the settings, by field name, of a program inside, and the brokers."""
    secrets = make_secrets(folder)
    share_jars(RunFolder(folder), RunFolder(ROOT / ".local"), lambda _: None)
    ports = {name: (free_pair(), free_pair()) for name in SERVICES}
    (folder / "data").mkdir()
    brokers = [Broker(folder, secrets, environment, ports) for environment in environments().values()]
    cluster_id = kafka.new_cluster_id()
    inside = {name: str(value) for name, value in load(PRODUCTION)["services"]["worker"]["environment"].items()}
    client = {
        name.removeprefix("IMPRESSIONS_").lower(): value.replace("/run/secrets", str(secrets))
        for name, value in inside.items()
        if name.startswith("IMPRESSIONS_KAFKA_")
    }
    client["kafka_bootstrap"] = ",".join(f"127.0.0.1:{internal}" for internal, _ in ports.values())
    client["replication_factor"] = inside["IMPRESSIONS_REPLICATION_FACTOR"]
    try:
        for broker in brokers:
            broker.format(cluster_id)
        for broker in brokers:
            broker.program.start()
        yield client, brokers
    finally:
        for broker in brokers:
            broker.program.kill()
