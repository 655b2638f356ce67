"""Writes the table of docs/evidence/clickhouse-clients.md from results: `python -m tools.clients_page RESULTS.xml`.

RESULTS.xml is what pytest wrote with `--junitxml` for tests/engine/test_clickhouse_other_clients.py.
"""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

from tests.support.other_clients import CLIENTS, FEATURES, Client

PAGE = Path(__file__).resolve().parents[1] / "docs" / "evidence" / "clickhouse-clients.md"
BEGIN, END = "<!-- made by tools/clients_page.py -->", "<!-- end -->"
_CASE = re.compile(r"\[(.+)-(" + "|".join(FEATURES) + r")\]$")


def results(xml: str) -> dict[tuple[str, str], str]:
    """Return the outcome of each client's features: "ok", "failed", or why it was not tried."""
    found = {}
    for case in ElementTree.fromstring(xml).iter("testcase"):
        match = _CASE.search(case.attrib["name"])
        if match is None:
            continue
        skipped = case.find("skipped")
        failed = case.find("failure") is not None or case.find("error") is not None
        outcome = "failed" if failed else "ok" if skipped is None else skipped.attrib.get("message", "skipped")
        found[match[1], match[2]] = outcome
    return found


def table(outcomes: dict[tuple[str, str], str]) -> str:
    """Return the table: a line for each client, a column for each feature."""
    lines = ["| client | " + " | ".join(FEATURES) + " |", "|---" * (len(FEATURES) + 1) + "|"]
    for name, client in CLIENTS.items():
        cells = [_cell(client, feature, outcomes.get((name, feature), "not run")) for feature in FEATURES]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(client: Client, feature: str, outcome: str) -> str:
    if feature in client.lacks:
        return client.lacks[feature]
    return f"ok ({', '.join(client.compressions)})" if outcome == "ok" and feature == "compressed" else outcome


def with_table(page: str, made: str) -> str:
    """Return the page with the table between its marks."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{made}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(), table(results(Path(sys.argv[1]).read_text()))))
    sys.stdout.write(f"{PAGE}\n")
