"""I5: how much has reached ClickHouse, by counts alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from oracle.views import Views

# What a query raises while ClickHouse is down: clickhouse_connect passes on some errors of urllib3 and the system.
CLICKHOUSE_AWAY = (ClickHouseError, HTTPError, OSError)

Partition = tuple[str, int]


@dataclass
class Counts:
    """What the views hold for each (topic id, partition) of the source: its lines, and the rows that came of them.

    `accounted` are the rows that the ledger counts, `shown` those that the views hold: (accepted, rejected).
    """

    lines: dict[Partition, int] = field(default_factory=dict)
    accounted: dict[Partition, tuple[int, int]] = field(default_factory=dict)
    shown: dict[Partition, tuple[int, int]] = field(default_factory=dict)
    # The number of records of each log of the catalogue.
    artworks: dict[str, int] = field(default_factory=dict)

    def total(self) -> int:
        """Return a number that grows with everything that arrives."""
        return sum(self.lines.values()) + sum(map(sum, self.shown.values())) + sum(self.artworks.values())


def ask(views: Views) -> Counts:
    """Query the counts from ClickHouse. Raises one of CLICKHOUSE_AWAY."""
    place = "source_topic_id, source_partition"
    ledger = views.rows(f"SELECT {place}, sum(lines), sum(accepted), sum(rejected) FROM ledger GROUP BY {place}")
    accepted = _counts(views, "impressions", place, "count()")
    rejected = _counts(views, "rejected", place, "sum(lines)")
    artworks = views.rows("SELECT kafka_topic_id, uniqExact(kafka_offset) FROM artworks_raw GROUP BY kafka_topic_id")
    return Counts(
        {(row[0], row[1]): row[2] for row in ledger},
        {(row[0], row[1]): (row[3], row[4]) for row in ledger},
        {each: (accepted.get(each, 0), rejected.get(each, 0)) for each in accepted.keys() | rejected.keys()},
        {row[0]: row[1] for row in artworks},
    )


def is_caught_up(counts: Counts, lines: Mapping[Partition, int], artworks: Mapping[str, int]) -> bool:
    """Return whether the ledger has each line that was read, and the views each row it counts. Extra rows are fine."""
    return (
        all(counts.lines.get(each, 0) >= expected for each, expected in lines.items())
        and all(
            counts.shown.get(each, (0, 0))[0] >= accepted and counts.shown.get(each, (0, 0))[1] >= rejected
            for each, (accepted, rejected) in counts.accounted.items()
        )
        and all(counts.artworks.get(topic_id, 0) >= expected for topic_id, expected in artworks.items())
    )


def _counts(views: Views, view: str, place: str, count: str) -> dict[Partition, int]:
    return {(row[0], row[1]): row[2] for row in views.rows(f"SELECT {place}, {count} FROM {view} GROUP BY {place}")}
