"""Writes docs/reference/limits.md from the cases that tests hold the collector to: `python -m tools.limits_page`."""

import sys
from itertools import groupby
from pathlib import Path

from tests.support.limit_case import Case
from tests.support.limit_cases import CASES
from tools.evidence.results import line, table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "limits.md"
COLUMNS = ("what is sent", "status", "counter")
INTRODUCTION = """# The collector's limits

For whoever was refused, or wants to know what would be. Made by `make schemas` from `tests/support/limit_cases.py`:
{count} cases, each sent to a collector whose waits are short. The status is the one that its test got, and the counter
went up by one. The test of a case is named by what is sent:

```sh
T=tests/integration/test_collector_limits.py::test_a_limit_has_its_status_and_is_counted
.venv/bin/pytest "$T[{first}]"
```

Counters begin with `impressions_collector_` and end with `_total`. A dash is a connection that ends without an answer.
What each limit is for, and which of them are settings: [running a collector](../operate/collector.md#limits).
"""


def page() -> str:
    """Return the page: the same text for the same cases."""
    parts = [INTRODUCTION.format(count=len(CASES), first=next(iter(CASES)))]
    for title, cases in groupby(CASES.items(), lambda each: _title(each[1])):
        rows = [row(name, case, case.status) for name, case in cases]
        parts.append("\n".join([f"## {title}", "", *table(COLUMNS, []), *rows, ""]))
    return "\n".join(parts)


def row(name: str, case: Case, got: int) -> str:
    """Return the row of a case that got this status; 0 is none."""
    labels = ", ".join(f'{label}="{value}"' for label, value in case.labels.items())
    return line((name, str(got or "-"), f"`{case.counter}` {labels}"))


def _title(case: Case) -> str:
    title = f"{case.limit[0].upper()}{case.limit[1:]}"
    return f"{title}: {case.value}" if case.value else title


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE}\n")
