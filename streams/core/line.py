"""A line with its coordinates: what every row says of its source, and what a forwarded line carries along."""

from typing import Any

import orjson
from msgspec import Struct

from streams.core.lines import impression_spans


class Line(Struct, gc=False):
    """A line with its coordinates."""

    topic_id: str
    partition: int
    offset: int
    number: int
    appended_at: int
    text: bytes
    spans: list[bytes] | None = None

    def span(self, index: int) -> bytes:
        """The bytes of an impression of the line, as the producer wrote them."""
        if self.spans is None:
            self.spans = impression_spans(self.text)
        return self.spans[index]

    def origin(self) -> bytes:
        """The header that a forwarded line carries."""
        return orjson.dumps(
            {
                "topic_id": self.topic_id,
                "partition": self.partition,
                "offset": self.offset,
                "line": self.number,
            }
        )

    def coordinates(self) -> dict[str, Any]:
        """The columns that every row has of its source."""
        return {
            "source_topic_id": self.topic_id,
            "source_partition": self.partition,
            "source_offset": self.offset,
            "line": self.number,
        }
