"""What connections cost the collector in memory."""

from typing import Any

from tools.evidence.results import RESULTS, load, table

PROTOCOLS = {"ours": "the collector's", "uvicorn": "uvicorn's own"}


def idle() -> list[str]:
    """Return its memory without connections, with many that are idle, and after they were closed."""
    return _table(lambda what: what == "idle")


def gone() -> list[str]:
    """Return its memory after many connections have come and gone."""
    return _table(lambda what: what != "idle")


def _table(shown: Any) -> list[str]:
    if not (RESULTS / "connections.json").exists():
        return ["Not measured yet: `python -m bench.connections` writes the figures, and `make schemas` this table."]
    found = load("connections")
    looks = [each for each in found["looks"] if shown(each["what"])]
    columns = ("protocol", "connections", *looks[0]["mib"])
    return table(columns, (_row(each, found) for each in looks))


def _row(found: dict[str, Any], figures: dict[str, Any]) -> tuple[str, ...]:
    what = f"{figures['idle']:,}" if found["what"] == "idle" else found["what"]
    return PROTOCOLS[found["protocol"]], what, *(f"{mib:.0f} MiB" for mib in found["mib"].values())
