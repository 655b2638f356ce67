"""docs/operate/incidents.md: what happened, which alerts said so, the metrics, and pictures."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drills.incident.timeline import Event

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operate" / "incidents.md"
PICTURES = PAGE.parent / "dashboards"
WIDTH = 120


@dataclass(frozen=True, slots=True)
class Balance:
    """What was sent, and what ClickHouse has in the end."""

    sent: int
    malformed: int
    received: int
    accepted: int
    rejected: int
    duplicates: int

    @property
    def right(self) -> bool:
        """Whether everything sent is there once, and exactly the malformed part was rejected."""
        return (
            self.received == self.sent
            and self.rejected == self.malformed
            and self.accepted == self.sent - self.malformed
            and not self.duplicates
        )


def write(
    events: Sequence[Event],
    facts: Mapping[str, Mapping[str, str]],
    inhibited: Sequence[str],
    balance: Balance,
    pictures: Sequence[Path],
) -> None:
    """Write the page."""
    PAGE.write_text("\n".join(page(events, facts, inhibited, balance, pictures)) + "\n")


def page(
    events: Sequence[Event],
    facts: Mapping[str, Mapping[str, str]],
    inhibited: Sequence[str],
    balance: Balance,
    pictures: Sequence[Path],
) -> list[str]:
    """Return the page's lines."""
    names = list(next(iter(facts.values())))
    return [
        "# A quarter of an hour of trouble",
        "",
        "Made by `python -m drills.incident`: the embedded stack with Debian's Prometheus and Alertmanager and the",
        "project's own alerts. ClickHouse is down for two minutes, a tenth of what arrives is malformed for seven, and",
        "every user sees all of a small pool. The [runbooks](runbooks.md) say what to do about each alert.",
        "",
        "Shorter drills are tests, with waits of seconds (`tests/integration/test_alerts_live.py`): a broker that",
        "hangs, a producer that leaves a transaction open, a source that grew by a partition that has no state.",
        "",
        "## What happened and what the alerts said",
        "| after | |",
        "|---:|---|",
        *(f"| {event.at:.0f} s | {event.text} |" for event in sorted(events, key=lambda event: event.at)),
        "",
        *textwrap.wrap(
            f"Held back by Alertmanager, because another alert already covers it: {', '.join(inhibited) or 'none'}.",
            WIDTH,
        ),
        "",
        "## The metrics meanwhile",
        f"| | {' | '.join(facts)} |",
        f"|---|{'---:|' * len(facts)}",
        *(f"| {name} | {' | '.join(each[name] for each in facts.values())} |" for name in names),
        "",
        "## What was lost",
        f"Sent: {balance.sent:,}; {balance.malformed:,} of them were malformed.",
        f"In ClickHouse: {balance.received:,} received, {balance.accepted:,} accepted, {balance.rejected:,} rejected,"
        f" {balance.duplicates:,} duplicates.",
        "",
        "## What the dashboards showed",
        *(f"![{path.stem}]({path.relative_to(PAGE.parent)})\n" for path in pictures),
    ]
