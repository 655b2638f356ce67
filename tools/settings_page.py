"""Writes docs/reference/settings.md from streams/settings.py: `python -m tools.settings_page`."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from streams.settings import Settings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "settings.md"
INTRODUCTION = """# Settings

Made from `streams/settings.py` by `make schemas`: {count} environment variables, read once when a process starts. A
wrong one ends the process with a sentence that names it. `impressions settings` shows the values that a process would
use now. Which of them everyone may rely on: [the contract](../contract.md#1-commands-settings-and-addresses).
"""
# Sections, and the beginnings of the names in them; the first that fits counts.
SECTIONS = {
    "Kafka": ("kafka_", "replication_factor", "topics_file"),
    "ClickHouse": ("clickhouse_",),
    "The rules": ("dedupe_", "lateness_", "future_"),
    "The worker": ("chunk_", "session_", "transaction_", "state_", "rocksdb_"),
    "The sink": ("sink_",),
    "The collector": ("collector_", "token_"),
    "The read API": ("reads_",),
    "The recorder": ("recorder_",),
    "Every process": ("",),
}
# Units by the last word of a name.
UNITS = {
    "seconds": "in s",
    "ms": "in ms",
    "mib": "in MiB",
    "records": "in records",
    "rows": "in rows",
    "port": "a port",
}
UNITS |= {"factor": "in replicas", "connections": "connections"}
UNITS |= {"rate": "a second", "burst": "at once", "share": "a share"}
UNITS |= {"ratio": "a share", "size": "impressions"}
WIDTH = 120


def page() -> str:
    """Return the page: the same text for the same settings."""
    fields = Settings.model_fields
    parts = [INTRODUCTION.format(count=len(fields))]
    for section in SECTIONS:
        parts.append(f"## {section}\n")
        parts += ["\n".join(_entry(name, fields[name])) for name in fields if _section(name) == section]
    return "\n".join(parts)


def variable(name: str, field: FieldInfo) -> str:
    """Return the environment variable of a setting."""
    return str(field.validation_alias or f"IMPRESSIONS_{name.upper()}")


def unit(name: str) -> str:
    """Return the unit of a number; raises KeyError if its name's last word is none that UNITS knows."""
    return UNITS[name.rsplit("_", maxsplit=1)[-1]]


def _section(name: str) -> str:
    return next(section for section, starts in SECTIONS.items() if name.startswith(starts))


def _entry(name: str, field: FieldInfo) -> Iterator[str]:
    default = "none" if field.default in (None, "") else f"`{field.default}`"
    yield f"### {variable(name, field)}\n"
    yield fill(field.description or "", WIDTH, break_on_hyphens=False, break_long_words=False) + "\n"
    yield f"- Value: {_value(name, field)}\n- Default: {default}\n"


def _value(name: str, field: FieldInfo) -> str:
    """Return a setting's type and what it accepts."""
    if get_origin(field.annotation) is Literal:
        return "one of " + ", ".join(f"`{word}`" for word in get_args(field.annotation))
    kind = next((each for each in get_args(field.annotation) if each is not type(None)), field.annotation)
    if kind in (int, float):
        least = next(limit.ge for limit in field.metadata if hasattr(limit, "ge"))
        most = next(limit.le for limit in field.metadata if hasattr(limit, "le"))
        return f"a {'whole ' if kind is int else ''}number from {least:,} to {most:,}, {unit(name)}"
    if kind is bool:
        return "`true` or `false`"
    if kind is Path:
        return "a path"
    pattern = next((limit.pattern for limit in field.metadata if hasattr(limit, "pattern")), None) or ""
    words = re.fullmatch(r"\^\(([\w|-]+)\)\$", pattern)
    if words:
        return "one of " + ", ".join(f"`{word}`" for word in words[1].split("|"))
    return f"text that matches `{pattern}`" if pattern else "text"


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE}\n")
