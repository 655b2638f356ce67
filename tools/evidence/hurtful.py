"""Records built to hurt, and a large catalogue."""

from typing import Any

from tools.evidence.results import load, table


def by_record() -> list[str]:
    """Return what each record cost, the first row without one."""
    columns = ("record", "worked off in", "P95 of others", "P99 of others", "the worker's peak so far")
    return table(columns, map(_record, load("hurtful")["records"]))


def catalogues() -> list[str]:
    """Return what reading each catalogue took."""
    columns = ("artworks", "read in", "CPU time", "memory", "peak of the process")
    return table(columns, map(_catalogue, load("catalogue")["costs"]))


def _record(found: dict[str, Any]) -> tuple[str, ...]:
    others = found["others"]
    took = "-" if found["record"] == "none" else f"{found['seconds']:.1f} s"
    return (found["record"], took, f"{others['p95']:,.0f} ms", f"{others['p99']:,.0f} ms", f"{found['peak_mib']} MiB")


def _catalogue(found: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{found['artworks']:,}",
        f"{found['seconds']:.1f} s",
        f"{found['cpu_seconds']:.1f} s",
        f"{found['more_mib']} MiB",
        f"{found['peak_mib']} MiB",
    )
