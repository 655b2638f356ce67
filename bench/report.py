"""The figures, as a table for people and as JSON for programs."""

import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from typing import Any

from bench.systems import Result
from streams.embedded.jars import kafka_version

PACKAGES = ("impression-streams", "faust-streaming", "aiokafka", "confluent-kafka", "rocksdict", "pydantic", "orjson")
COLUMNS = (
    "impressions a record",
    "system",
    "impressions/s",
    "CPU s per million",
    "peak MiB",
    "output equals the oracle",
)


def table(results: Sequence[Result]) -> Iterator[str]:
    """Yield the lines of a Markdown table, then the ratios."""
    rows = [COLUMNS, *map(_cells, results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for number, row in enumerate(rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"| {' | '.join(cells)} |"
        if number == 0:
            yield f"|{'|'.join('-' * (width + 2) for width in widths)}|"
    yield from ratios(results)


def ratios(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line for each size that both systems were measured at."""
    by_key = {(each.system, each.size): each.steady for each in results}
    for (system, size), mine in by_key.items():
        if system == "ours" and (other := by_key.get(("textbook", size))):
            yield (
                f"{_size(size)} a record: {mine.rate / other.rate:.0f} times the impressions/s, "
                f"1/{other.cpu_per_million / mine.cpu_per_million:.0f} of the CPU time an impression"
            )


def as_json(results: Iterable[Result], impressions: int) -> dict[str, Any]:
    """The same figures with what they were measured on."""
    return {
        "impressions": impressions,
        "results": [each.as_json() for each in results],
        "versions": {
            "python": platform.python_version(),
            "kafka": kafka_version(),
            **{name: version(name) for name in PACKAGES},
        },
        "machine": {
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "processor": _processor(),
            "system": platform.platform(),
        },
    }


def _cells(result: Result) -> tuple[str, ...]:
    return (
        _size(result.size),
        result.system,
        f"{result.steady.rate:,.0f}",
        f"{result.steady.cpu_per_million:,.1f}",
        f"{result.steady.peak_mib:,.0f}",
        verdict(result),
    )


def verdict(result: Result) -> str:
    """Say whether the output is the oracle's and, where it isn't, by how much."""
    output = result.output
    if output.equal:
        return f"yes ({output.found:,})"
    text = f"no: of {output.expected:,}, {output.missing:,} missing and {output.extra:,} too many"
    if result.own_rule is not None:
        right = "yes" if result.own_rule.equal else "no"
        text += f" (by tumbling windows alone: {right})"
    return text


def _size(size: int) -> str:
    return "1" if size == 1 else f"about {size}"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.machine()
