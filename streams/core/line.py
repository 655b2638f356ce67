"""A line with its coordinates: every row records them as its source, and a forwarded line carries them along."""

from typing import Any

import orjson
from msgspec import Struct

from streams.core.lines import impression_spans


class Line(Struct, gc=False):
    """A line with its coordinates; `spans` are computed when first needed.

    `omitted` counts the bytes after `text` that were not kept, because the line is too long.
    """

    topic_id: str
    partition: int
    offset: int
    number: int
    appended_at: int
    text: bytes
    spans: list[bytes] | None = None
    omitted: int = 0

    def span(self, index: int) -> bytes:
        """Return the bytes of one of the line's impressions, as the producer wrote them."""
        if self.spans is None:
            self.spans = impression_spans(self.text)
        return self.spans[index]

    def origin(self) -> bytes:
        """Return the header that a forwarded line carries."""
        return orjson.dumps(
            {
                "topic_id": self.topic_id,
                "partition": self.partition,
                "offset": self.offset,
                "line": self.number,
            }
        )

    def coordinates(self) -> dict[str, Any]:
        """Return the columns in which every row records its source."""
        return {
            "source_topic_id": self.topic_id,
            "source_partition": self.partition,
            "source_offset": self.offset,
            "line": self.number,
        }
