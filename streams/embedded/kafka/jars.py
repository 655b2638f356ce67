"""Kafka's jars: fetched once from Maven Central into a folder of the data folder."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import IO

from streams.embedded import tool
from streams.embedded.kafka.java import java_environment, require_maven
from streams.embedded.run_folder import RunFolder
from streams.errors import UserError

# A first fetch takes seconds; this long means that the network drops packets. Maven itself has no limit.
FETCH_SECONDS = 600


@cache
def kafka_version() -> str:
    """Return the version of Kafka that pom.xml names."""
    text = files("streams.embedded.kafka").joinpath("pom.xml").read_text()
    found = re.search(r"<kafka.version>([^<]+)</kafka.version>", text)
    if not found:
        raise ValueError("streams/embedded/kafka/pom.xml names no kafka.version")
    return found[1]


def libs_dir(folder: RunFolder) -> Path:
    """Return the folder of this version's jars."""
    return folder.kafka / f"libs-{kafka_version()}"


def fetch_jars(folder: RunFolder, out: Callable[[str], None]) -> Path:
    """Return the folder of jars; fetch them if it does not exist.

    The folder appears complete or not at all: Maven copies into a temporary folder beside it, which is then renamed.
    Two processes may fetch at once; the second to finish drops its copy. Raises UserError if Maven is missing or fails.
    """
    target = libs_dir(folder)
    if target.is_dir():
        return target
    maven = require_maven()
    out(f"kafka: fetching {kafka_version()} from Maven Central, once")
    target.parent.mkdir(parents=True, exist_ok=True)
    log = folder.log("maven")
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=target.parent) as scratch:
        fresh = Path(scratch, "libs")
        with as_file(files("streams.embedded.kafka").joinpath("pom.xml")) as pom, log.open("wb") as written:
            run_maven([maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies",
                       f"-DoutputDirectory={fresh}"], written, log)  # fmt: skip
        publish(fresh, target)
    return target


def share_jars(folder: RunFolder, source: RunFolder, out: Callable[[str], None]) -> None:
    """Let a folder use the jars of `source`, where they are fetched once for everyone who shares them."""
    libs = libs_dir(folder)
    if not libs.exists():
        libs.parent.mkdir(parents=True, exist_ok=True)
        libs.symlink_to(fetch_jars(source, out), target_is_directory=True)


def run_maven(argv: list[str], output: IO[bytes], log: Path) -> None:
    """Run Maven with its output to a file. Raises UserError that names this file if Maven fails."""
    try:
        done = tool.run(argv, seconds=FETCH_SECONDS, output=output, environment=java_environment())
    except subprocess.TimeoutExpired:
        raise UserError(f"Maven did not fetch Kafka's jars within {FETCH_SECONDS} s; its log is {log}.") from None
    if done.returncode != 0:
        raise UserError(f"Maven could not fetch Kafka's jars (is the network reachable?); its log is {log}.")


def publish(fresh: Path, target: Path) -> None:
    """Give a complete folder its final name; if another process was faster, keep that one's folder."""
    try:
        os.rename(fresh, target)
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(fresh)
