"""Up to where ClickHouse has the accepted impressions of each Kafka partition, asked again and again."""

from collections.abc import Iterator, Mapping

from streams.collector.reads import statements
from streams.collector.reads.pool import Pool

# Of one statement: each is a part of a union.
MOST_PARTITIONS = 16
# The first time, all offsets of a log are read: a second for a hundred million, and more where the disk is cold.
FIRST_SECONDS = 60.0


async def ask(pool: Pool, topic_id: str, known: Mapping[int, int]) -> dict[int, int]:
    """Return the offset after the newest one that ClickHouse has, by partition; 0 where it has none of this log.

    `known` are the last answers, which bound what is read, or 0. Raises AwayError.
    """
    found: dict[int, int] = {}
    seconds = None if any(known.values()) else FIRST_SECONDS
    for few in _parts(known):
        answer = await pool.ask(statements.positions(few), {"topic_id": topic_id}, seconds)
        found.update(statements.read_positions(answer))
    return found


def _parts(known: Mapping[int, int]) -> Iterator[dict[int, int]]:
    items = sorted(known.items())
    for first in range(0, len(items), MOST_PARTITIONS):
        yield dict(items[first : first + MOST_PARTITIONS])
