"""Java and Maven on this machine: where they are, and one sentence for each that is missing."""

import locale
import os
import re
import shutil
import sys
from pathlib import Path

from streams.embedded import tool
from streams.errors import UserError

# Kafka 4's brokers are compiled for Java 17.
LEAST_JAVA = 17
UTF_8 = ("UTF-8", "UTF8")
GET_JAVA = "install Debian's openjdk-17-jre-headless (macOS: brew install openjdk@17)"
GET_MAVEN = "install Debian's maven (macOS: brew install maven)"


def find_java() -> str | None:
    """Return the Java launcher: like Kafka's own scripts, from JAVA_HOME if it is set, else from the PATH."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which(str(Path(home, "bin", "java")) if home else "java")


def java_version(java: str) -> int | None:
    """Return the launcher's major version; None if it does not run (like macOS's placeholder without a Java)."""
    answer = tool.run([java, "-version"])
    # Up to Java 8 the major version was the second number: 1.8.0.
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return int(found[1]) if answer.returncode == 0 and found else None


def require_java() -> str:
    """Return the launcher. Raises UserError when it is missing or too old for Kafka."""
    java = find_java()
    version = java_version(java) if java else None
    if java is None or version is None:
        raise UserError(f"The embedded Kafka needs Java {LEAST_JAVA} or newer, and there is none: {GET_JAVA}.")
    if version < LEAST_JAVA:
        raise UserError(f"The embedded Kafka needs Java {LEAST_JAVA} or newer, and {java} is {version}: {GET_JAVA}.")
    return java


def require_maven() -> str:
    """Return Maven's launcher. Raises UserError when it is missing."""
    maven = shutil.which("mvn")
    if maven is None:
        raise UserError(f"Fetching Kafka's jars needs Maven, once, and there is none: {GET_MAVEN}.")
    return maven


def java_environment() -> dict[str, str]:
    """Return what to add to the environment so that Java can open a file of any name: the locale encodes its names.

    Java knows no letter but those of ASCII without a locale of UTF-8. Linux has C.UTF-8; macOS's Java doesn't ask.
    """
    if sys.platform == "darwin" or locale.nl_langinfo(locale.CODESET).upper() in UTF_8:
        return {}
    return {"LC_ALL": "C.UTF-8"}
