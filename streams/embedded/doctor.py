"""`impressions doctor`: what this machine lacks, and how to get it."""

import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata

from streams.embedded.components import DEFAULT, component, external
from streams.embedded.kafka.broker import check_version, data_dir
from streams.embedded.kafka.jars import kafka_version, libs_dir
from streams.embedded.kafka.java import GET_JAVA, GET_MAVEN, LEAST_JAVA, find_java, java_version
from streams.embedded.ports import Address, controller_address, is_free
from streams.embedded.run_folder import RunFolder
from streams.errors import UserError
from streams.settings import Settings

LEAST_PYTHON = (3, 11)
# Jars 45 MB, the demo's logs and tables a few hundred; the rest is room for a day of the full load.
LEAST_FREE_GIB = 2
SETTING_OF = {
    "kafka": "IMPRESSIONS_KAFKA_BOOTSTRAP",
    "clickhouse": "IMPRESSIONS_CLICKHOUSE_URL",
    "collector-0": "IMPRESSIONS_COLLECTOR_PORT",
}
DISTRIBUTION = "impression-streams"
# A requirement begins with the distribution's name (PEP 508).
NAME = re.compile(r"[A-Za-z0-9._-]+")
# A requirement without an extra, or of the extra `server`.
SERVER = re.compile(r"""^(?!.*extra ==)|extra == ["']server["']""")


@dataclass(frozen=True)
class Check:
    """One thing that was checked. `hint` says how to fix it and is empty if nothing is wrong."""

    name: str
    ok: bool
    found: str
    hint: str
    required: bool = True


def doctor(settings: Settings) -> list[Check]:
    """Check everything that the stack needs. What is missing raises nothing: the checks report it."""
    return [
        _python(),
        _packages(),
        _java(),
        _maven(settings),
        _disk(settings),
        _kafka_data(settings),
        *_ports(settings),
    ]


def well(checks: Sequence[Check]) -> bool:
    """Return whether everything required was found; otherwise the command exits with 1."""
    return all(check.ok or not check.required for check in checks)


def _python() -> Check:
    wanted = ".".join(map(str, LEAST_PYTHON))
    hint = f"install Debian's python3 ({wanted} or newer; macOS: brew install python@{wanted})"
    ok = sys.version_info >= LEAST_PYTHON
    return Check("Python", ok, sys.version.split()[0], "" if ok else hint)


def _packages() -> Check:
    hint = "run `make setup`, or `pip install 'impression-streams[server]'`"
    try:
        needed = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return Check("packages", False, f"{DISTRIBUTION} is not installed", hint)
    names = server_packages(needed)
    missing = [each for each in names if not _installed(each)]
    found = f"{', '.join(missing)} missing" if missing else f"{len(names)} installed"
    return Check("packages", not missing, found, hint if missing else "")


def server_packages(requirements: Sequence[str]) -> list[str]:
    """Return the names of the packages that every installation needs and those of the extra `server`."""
    return [name[0] for each in requirements if SERVER.search(each) and (name := NAME.match(each))]


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _java() -> Check:
    java = find_java()
    version = java_version(java) if java else None
    ok = version is not None and version >= LEAST_JAVA
    found = f"{version} ({java})" if version else "none"
    return Check(f"Java {LEAST_JAVA}+", ok, found, "" if ok else GET_JAVA)


def _maven(settings: Settings) -> Check:
    """Check for Maven, which is needed until Kafka's jars are fetched."""
    maven, fetched = shutil.which("mvn"), libs_dir(RunFolder(settings.data_dir)).is_dir()
    found = (maven or "none") + (f", Kafka {kafka_version()} is fetched" if fetched else "")
    return Check("Maven", maven is not None, found, "" if maven else GET_MAVEN, required=not fetched)


def _disk(settings: Settings) -> Check:
    folder = settings.data_dir.resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    ok = free >= LEAST_FREE_GIB
    hint = f"free {LEAST_FREE_GIB} GiB, or set IMPRESSIONS_DATA_DIR to a folder on another disk"
    return Check("disk space", ok, f"{free:.0f} GiB free at {folder}", "" if ok else hint)


def _kafka_data(settings: Settings) -> Check:
    data = data_dir(RunFolder(settings.data_dir))
    try:
        check_version(data)
    except UserError as error:
        return Check("Kafka's data", False, str(data), str(error))
    return Check("Kafka's data", True, f"{data} fits" if data.exists() else "none yet", "")


def _ports(settings: Settings) -> list[Check]:
    checks = []
    for name in DEFAULT:
        if sentence := external(name, settings):
            checks.append(Check(name, True, sentence, ""))
            continue
        found = component(name, settings)
        ours, address = found.program.is_running, found.address
        setting = SETTING_OF.get(name, "IMPRESSIONS_METRICS_PORT")
        checks.append(_port(f"port of {name}", address, ours, setting))
        if name == "kafka":
            checks.append(_port("its controller's", controller_address(address), ours, setting))
    return checks


def _port(name: str, address: Address, ours: bool, setting: str) -> Check:
    ok = ours or is_free(address)
    found = f"{address} " + ("is ours" if ours else "is free" if ok else "is used by another program")
    return Check(name, ok, found, "" if ok else f"stop that program or set {setting}")


def report(checks: Sequence[Check], out: Callable[[str], None]) -> None:
    """Print a line for each check, followed by its hint if it has one."""
    for check in checks:
        mark = "ok" if check.ok else "MISSING" if check.required else "absent"
        out(f"{mark:8}{check.name:20}{check.found}")
        if check.hint:
            out(f"{'':28}{check.hint}")
