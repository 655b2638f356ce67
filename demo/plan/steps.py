"""One thing that the demo's producers do."""

from dataclasses import dataclass

IMPRESSIONS = "impressions.v1"
ARTWORKS = "artworks.v1"


@dataclass(frozen=True, slots=True)
class Step:
    """Produce one record at `at` (ms on the log's clock) over one of the producers' connections.

    Without a partition, the client's partitioner chooses it by the key. A `good` step is a flush for the SDK, and its
    value has the bytes that the SDK makes of it.
    """

    at: int
    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    connection: int = 0
    good: bool = False
