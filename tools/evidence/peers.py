"""Our worker and its peers: on a backlog, and with two SIGKILLs."""

from typing import Any

from tools.evidence.results import load, table

COLUMNS = (
    "system",
    "guarantee",
    "impressions/s",
    "of ours",
    "CPU s per million",
    "of ours",
    "peak MiB",
    "right",
)
# The guarantee's column shows it, and this keeps the row within a line.
SAID_ELSEWHERE = ", exactly_once_v2"


def one_a_record() -> list[str]:
    """Return every system's figures, one impression per record."""
    return _throughput(1)


def ten_a_record() -> list[str]:
    """Return every system's figures, about ten impressions per record."""
    return _throughput(10)


def medians(size: int) -> dict[str, dict[str, Any]]:
    """Return a size's medians by the system's name, in the file's order."""
    return {each["system"]: each for each in load("throughput")["medians"] if each["size"] == size}


def title(name: str) -> str:
    """Return a system's title in the tables."""
    return str(name.replace(SAID_ELSEWHERE, ""))


def _throughput(size: int) -> list[str]:
    return table(COLUMNS, [_cells(each) for each in medians(size).values()])


def _cells(found: dict[str, Any]) -> tuple[str, ...]:
    return (
        title(found["title"]),
        found["guarantee"],
        f"{found['rate']:,.0f}",
        f"{found['rate_of_ours']:,.2f}",
        f"{found['cpu']:,.1f}",
        f"{found['cpu_of_ours']:,.2f}",
        f"{found['peak_mib']:,.0f}",
        found["verdict"].split(" ", maxsplit=1)[0].rstrip(":"),
    )


def kills() -> list[str]:
    """Return what two SIGKILLs cost."""
    columns = ("system", "guarantee", "lost", "doubled", "users with wrong coverage", "output moves again after s")
    return table(
        columns,
        [
            (
                title(each["title"]).split(", caching")[0],
                each["guarantee"],
                f"{each['lost']:,}",
                f"{each['doubled']:,}",
                f"{each['wrong_coverage']:,}",
                ", ".join(f"{seconds:.1f}" for seconds in each["moved_after_seconds"]),
            )
            for each in load("kills")["outcomes"]
        ],
    )
