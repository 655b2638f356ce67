"""Writes docs/reference/limits.md from the cases that tests hold the collector to: `python -m tools.limits_page`."""

import sys
from pathlib import Path

from tests.support.limit_case import Case
from tests.support.limit_cases import CASES
from tools.evidence.results import table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "limits.md"
COLUMNS = ("limit", "most", "what is sent", "status", "counter")
INTRODUCTION = """# The collector's limits

For whoever was refused, or wants to know what would be. Made by `make schemas` from `tests/support/limit_cases.py`:
{count} cases, each sent to a collector whose waits are short. The status is the one that the test got, and the counter
went up by one. To run the test of a case, by what is sent beyond the limit:

```sh
.venv/bin/pytest "tests/integration/test_collector_limits.py::test_a_limit_has_its_status_and_is_counted[{first}]"
```

Counters begin with `impressions_collector_` and end with `_total`. A dash is a connection that ends without an answer.
What each limit is for, and which of them are settings: [running a collector](../operate/collector.md#limits).
"""


def page() -> str:
    """Return the page: the same text for the same cases."""
    head = INTRODUCTION.format(count=len(CASES), first=next(iter(CASES)))
    rows = [row(name, case, case.status) for name, case in CASES.items()]
    return "\n".join([head, *table(COLUMNS, [])[:2], *rows, ""])


def row(name: str, case: Case, got: int) -> str:
    """Return the row of a case that got this status; 0 is none."""
    labels = ", ".join(f'{label}="{value}"' for label, value in case.labels.items())
    cells = (case.limit, case.value, name, str(got or "-"), f"`{case.counter}` {labels}")
    return table(COLUMNS, [cells])[2]


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE}\n")
