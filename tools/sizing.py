"""Writes docs/operate/sizing.md from what was measured: `python -m tools.sizing`; `--per-minute N` prints another rate.

Everything is a measured figure of bench/results times a number that the page names; nothing is guessed.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.recovery.state import Load
from streams.provision.topics_file import load
from streams.settings import Settings
from tools.evidence.results import ROOT, table
from tools.evidence.results import load as measured

PAGE = ROOT / "docs" / "operate" / "sizing.md"
TEXT = Path(__file__).with_name("sizing.md.in")
PER_MINUTE = 100_000
RATES = (PER_MINUTE, 10 * PER_MINUTE)
# For the state: how many users there are at 100,000 a minute, and how many artworks each of them has seen.
USERS, SEEN = 1_000_000, 1_000
DAY_MINUTES, YEAR_DAYS = 1_440, 365
REPLICAS = 3
SOURCE = "impressions.v1"
# Retention deletes whole segments: at most a day stays too long. Compaction comes at the latest after an hour, and
# once this share is old values (topics.yaml); what is compacted by Kafka's defaults counts with a day of its records.
SEGMENT_DAYS, DIRTY = 1, 0.3
UNITS = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3))
# The tables that grow with impressions; rollups grow with users and minutes, and are small.
GROWING = ("impressions_raw", "user_artworks_raw", "artwork_users_raw", "ledger_raw")
# The programs of one installation, by their names in end_to_end.json.
PROGRAMS = {"kafka": "broker", "clickhouse": "ClickHouse's engine", "worker-0": "worker", "sink-0": "sink"}


class Bytes(NamedTuple):
    """Bytes an impression, by topic and by table."""

    topics: dict[str, float]
    tables: dict[str, float]

    @property
    def changelogs(self) -> float:
        """Bytes that are written to the changelogs, before they are compacted."""
        return sum(size for name, size in self.topics.items() if name.endswith("-changelog"))


def an_impression(flush: int = 10) -> Bytes:
    """Return the bytes that an impression takes in each topic and table, with so many of them in a flush."""
    run = measured("size")["runs"][str(flush)]
    count, ours = run["impressions"], load(Settings.model_construct())
    return Bytes(
        {name: size / count for name, size in run["topics"].items() if name in ours},
        {name: run["tables"][name]["bytes"] / count for name in GROWING},
    )


def days_of(topic: str) -> float:
    """Return how many days of its records a topic holds at the most. Changelogs are computed apart."""
    declared = load(Settings.model_construct())[topic]
    return 1.0 if declared.retention_ms < 0 else declared.retention_ms / 86_400_000 + SEGMENT_DAYS


def window_bytes() -> float:
    """Return the bytes an impression of the windows' changelog, compacted, while it is within the lateness."""
    day = measured("recovery")["day"][-1]
    return float(day["sizes"]["windows_changelog"] / day["impressions"])


def seen_bytes() -> float:
    """Return the bytes of an artwork that a user has seen, in the coverage changelog, compacted."""
    results = measured("recovery")
    users = results["users"]
    return float(results["day"][-1]["sizes"]["coverage_changelog"] / (users * Load(users, PER_MINUTE).seen()))


def rocksdb_factor() -> float:
    """Return how much larger the local store is than both changelogs, compacted."""
    sizes = measured("recovery")["day"][-1]["sizes"]
    return float(sizes["rocksdb"] / (sizes["windows_changelog"] + sizes["coverage_changelog"]))


class Disk(NamedTuple):
    """Bytes on disk, one copy of everything; ClickHouse's grow by this every day."""

    topics: float
    changelogs: float
    state: float
    clickhouse: float


def disk(per_minute: float, flush: int = 10) -> Disk:
    """Return what a rate takes, with as many more users."""
    a_day, each = per_minute * DAY_MINUTES, an_impression(flush)
    topics = sum(size * a_day * days_of(name) for name, size in each.topics.items() if not name.endswith("-changelog"))
    seen = USERS * SEEN * per_minute / PER_MINUTE
    compacted = a_day * window_bytes() + seen * seen_bytes()
    changelogs = compacted / (1 - DIRTY) + each.changelogs * per_minute * 60
    return Disk(topics, changelogs, compacted * rocksdb_factor(), a_day * sum(each.tables.values()))


def network(per_minute: float) -> dict[str, float]:
    """Return bytes a second by connection."""
    a_second, topics = per_minute / 60, an_impression().topics
    source, everything = topics[SOURCE] * a_second, sum(topics.values()) * a_second
    rows = everything - source - an_impression().changelogs * a_second
    return {
        "producers to brokers": source,
        "brokers to workers": source,
        "workers to brokers": everything - source,
        "brokers to sinks": rows,
        f"between brokers, {REPLICAS} replicas": everything * (REPLICAS - 1),
    }


def cores(per_minute: float) -> tuple[float, dict[str, float]]:
    """Return the measured rate (impressions/s) that is the next above, and each program's cores at it.

    Raises ValueError if the machine that was measured held no such rate.
    """
    results = measured("end_to_end")
    rates = [(results["base"]["rate"], results["base"]["cores"])]
    rates += [(step["rate"], step["cpu"]) for step in results["steps"] if step["held"]]
    for rate, used in sorted(rates, key=lambda each: float(each[0])):
        if rate >= per_minute / 60 - 1:
            return float(rate), {name: float(used[name]) for name in PROGRAMS}
    raise ValueError(f"no machine that was measured held {per_minute:,.0f} impressions a minute")


def size(value: float) -> str:
    """Format bytes with two or three digits, in the units that disks and networks are sold in."""
    unit, factor = next(((unit, factor) for unit, factor in UNITS if value >= factor), ("B", 1.0))
    number = value / factor
    return f"{number:.0f} {unit}" if number >= 10 or unit == "B" else f"{number:.1f} {unit}"


def bytes_table() -> list[str]:
    """Return bytes an impression: ten in a flush, and one."""
    ten, one = an_impression(10), an_impression(1)
    rows = [(f"topic `{name}`", f"{ten.topics[name]:.0f}", f"{one.topics[name]:.0f}") for name in ten.topics]
    rows += [(f"table `{name}`", f"{ten.tables[name]:.1f}", f"{one.tables[name]:.1f}") for name in ten.tables]
    return table(("an impression in", "bytes, ten a flush", "bytes, one a flush"), rows)


def disk_table(rates: Sequence[float]) -> list[str]:
    """Return what is on disk after a day and after a year."""
    found = [disk(rate) for rate in rates]
    written = sum(an_impression().topics.values()) - an_impression().changelogs
    lines = [
        ("Kafka: topics, a day", *(size(written * rate * DAY_MINUTES) for rate in rates)),
        ("Kafka: topics, as long as they are kept", *(size(each.topics) for each in found)),
        ("Kafka: changelogs", *(size(each.changelogs) for each in found)),
        (
            f"Kafka, {REPLICAS} replicas",
            *(size(REPLICAS * (each.topics + each.changelogs)) for each in found),
        ),
        ("workers: RocksDB", *(size(each.state) for each in found)),
        ("ClickHouse: a day", *(size(each.clickhouse) for each in found)),
        ("ClickHouse: a year", *(size(YEAR_DAYS * each.clickhouse) for each in found)),
    ]
    return table(("on disk", *map(_rate, rates)), lines)


def cpu_table(rates: Sequence[float]) -> list[str]:
    """Return cores by program."""
    found = [cores(rate)[1] for rate in rates]
    lines = [(title, *(f"{each[name]:.2f}" for each in found)) for name, title in PROGRAMS.items()]
    lines.append(("all", *(f"{sum(each.values()):.2f}" for each in found)))
    return table(("cores", *(f"{_rate(rate)} (measured at {60 * cores(rate)[0]:,.0f})" for rate in rates)), lines)


def memory_table() -> list[str]:
    """Return peak memory by program: of the rate, of a start with a day's state."""
    peaks, start = measured("end_to_end")["base"]["peak_mib"], measured("recovery")["day"][-1]["from_changelogs"]
    lines = [(title, f"{peaks[name]:,.0f}") for name, title in PROGRAMS.items()]
    lines.append(("worker, starting from the changelogs of a day", f"{start['peak_mib']:,.0f}"))
    return table(("memory", "peak MiB"), lines)


def network_table(rates: Sequence[float]) -> list[str]:
    """Return bytes a second by connection."""
    found = [network(rate) for rate in rates]
    lines = [(name, *(f"{size(each[name])}/s" for each in found)) for name in found[0]]
    return table(("on the network", *map(_rate, rates)), lines)


def _rate(per_minute: float) -> str:
    return f"{per_minute:,.0f} a minute"


def page() -> str:
    """Return the page: the same text for the same results."""
    tables = {
        "bytes": bytes_table(),
        "disk": disk_table(RATES),
        "cpu": cpu_table(RATES),
        "memory": memory_table(),
        "network": network_table(RATES),
    }
    factors = {
        "window": f"{window_bytes():.1f}",
        "seen": f"{seen_bytes():.1f}",
        "rocksdb": f"{rocksdb_factor():.1f}",
        "changelogs": f"{an_impression().changelogs:.0f}",
        "users": f"{USERS:,}",
        "artworks": f"{SEEN:,}",
    }
    text = TEXT.read_text()
    for name, lines in tables.items():
        text = text.replace(f"{{{name}}}", "\n".join(lines))
    for name, value in factors.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _other(per_minute: float) -> Iterator[str]:
    yield from disk_table([per_minute])
    yield ""
    yield from network_table([per_minute])
    yield ""
    try:
        yield from cpu_table([per_minute])
    except ValueError as error:
        yield f"cores: {error}"


def main() -> None:
    """Write the page, or print the tables of another rate."""
    parser = argparse.ArgumentParser(prog="python -m tools.sizing", description="What a rate of impressions takes.")
    parser.add_argument("--per-minute", type=float, help="print the tables of this rate; the page stays as it is")
    given = parser.parse_args()
    if given.per_minute:
        sys.stdout.write("\n".join(_other(given.per_minute)) + "\n")
        return
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE}\n")


if __name__ == "__main__":
    main()
