"""The Kafka Streams peer: built from its source by Maven, once, and how to start it."""

import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from streams.embedded.kafka.jars import publish, run_maven
from streams.embedded.kafka.java import require_java, require_maven
from streams.errors import UserError
from streams.settings import Settings

SOURCE = Path(__file__).parent / "kafka_streams"
JAR = "peer.jar"
# The serial collector is as fast here as the parallel one and takes 60 MB less resident memory; G1 takes 15 % more CPU
# time, and half the heap costs a tenth of the speed.
JVM = ("-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError")
LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)


def kafka_streams(settings: Settings, out: Callable[[str], None]) -> list[str]:
    """Return the peer's argv, the same for every variant: the variant is in its environment.

    Raises UserError if it has to be built and the JDK or Maven is missing, or Maven fails.
    """
    return [require_java(), *JVM, *LOGGING, "-jar", str(build(settings, out) / JAR)]


def kafka_streams_version() -> str:
    """Return the version of Kafka Streams that pom.xml names."""
    found = re.search(r"<kafka.version>([^<]+)</kafka.version>", (SOURCE / "pom.xml").read_text())
    if not found:
        raise ValueError("bench/peers/kafka_streams/pom.xml names no kafka.version")
    return found[1]


def build(settings: Settings, out: Callable[[str], None]) -> Path:
    """Return the folder of the jar and those that it needs; build it if there is none of exactly this source.

    The folder is `<data_dir>/bench-peers/kafka_streams/<digest of the source>`; it appears complete or not at all.
    """
    target = settings.data_dir.resolve() / "bench-peers" / "kafka_streams" / source_digest()
    if target.is_dir():
        return target
    require_compiler(require_java())
    maven = require_maven()
    out(f"kafka_streams: building it on Kafka Streams {kafka_streams_version()}, once")
    target.parent.mkdir(parents=True, exist_ok=True)
    log = target.parent / "maven.log"
    with tempfile.TemporaryDirectory(prefix="build-", dir=target.parent) as scratch, log.open("wb") as written:
        fresh = Path(scratch, "made")
        argv = [maven, "-q", "-B", "-f", str(SOURCE / "pom.xml"), f"-Dfolder={fresh}", "package"]
        run_maven(argv, written, log)
        publish(fresh, target)
    return target


def source_digest() -> str:
    """Return a digest that identifies this version of the source."""
    state = hashlib.sha256()
    for path in [SOURCE / "pom.xml", *sorted((SOURCE / "src").rglob("*.java"))]:
        text = path.read_bytes()
        state.update(f"{path.relative_to(SOURCE)} {len(text)}\0".encode() + text)
    return state.hexdigest()[:16]


def require_compiler(java: str) -> None:
    """Raise UserError if this Java is a runtime without the compiler, like Debian's headless package."""
    listed = subprocess.run([java, "--list-modules"], capture_output=True, text=True, check=False).stdout
    if "jdk.compiler" not in listed:
        raise UserError(
            f"Building the Kafka Streams peer needs a JDK, and {os.path.realpath(java)} has no compiler: "
            "install Debian's openjdk-17-jdk-headless (macOS: brew install openjdk@17)."
        )
