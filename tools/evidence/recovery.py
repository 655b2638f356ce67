"""How long a worker takes to start, by the state that it starts from."""

from typing import Any

from tools.evidence.results import load, mib, table

EMPTY, OWN, CHANGELOGS = "nothing (an empty worker)", "its own RocksDB, after SIGKILL", "the changelogs"
# Seconds that a start may take.
TARGETS = {OWN: 5, CHANGELOGS: 60}
TITLES = {CHANGELOGS: "the changelogs, local state deleted"}


def starts() -> list[str]:
    """Return the starts with the state of a million users."""
    return table(
        ("start from", "ready after s", "target s", "restored/s", "peak MiB"),
        [
            (
                TITLES.get(name, name),
                f"{each['ready']:.1f}",
                str(TARGETS.get(name, "")),
                _restored(each["restored"]) if name == CHANGELOGS else "",
                f"{each['peak_mib']:,.0f}",
            )
            for name, each in load("recovery")["starts"].items()
        ],
    )


def _restored(found: dict[str, Any]) -> str:
    return f"{found['changes'] / found['seconds']:,.0f}"


def day() -> list[str]:
    """Return the starts with the state of some hours at 100,000 impressions a minute."""
    columns = (
        "hours",
        "impressions",
        "entries",
        "changelogs MiB",
        "computed",
        "RocksDB",
        "from changelogs s",
        "from RocksDB s",
        "peak MiB",
    )
    return table(
        columns,
        [
            (
                str(each["hours"]),
                f"{each['impressions']:,}",
                f"{each['buckets']:,}",
                mib(each["sizes"]["windows_changelog"] + each["sizes"]["coverage_changelog"]),
                mib(each["computed"]),
                mib(each["sizes"]["rocksdb"]),
                f"{each['from_changelogs']['ready']:.1f}",
                f"{each['from_rocksdb']['ready']:.1f}",
                f"{each['from_changelogs']['peak_mib']:,.0f}",
            )
            for each in load("recovery")["day"]
        ],
    )


def moving(how: str) -> list[float]:
    """Return the seconds until output resumed after each kill that was recovered from in this way."""
    return [each["moving"] for each in load("recovery")["kills"] if each["how"].startswith(how)]


def most_mib() -> float:
    """Return a worker's peak memory while a million users arrived (MiB)."""
    return float(max(size for _, size in load("recovery")["resident_bytes_by_users"]) / 2**20)
