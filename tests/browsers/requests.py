"""A request that arrived at the front, and the flushes in it."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple


class Flush(NamedTuple):
    """What a request says about a flush in it."""

    flush_id: str
    user: str
    transport: str
    reason: str
    impressions: tuple[tuple[str, str], ...]
    """(impression_id, artwork_id) of each."""
    telemetry: Mapping[str, Any]
    fields: Mapping[str, Any]


@dataclass
class Request:
    """A request that arrived whole, and what became of it."""

    at: float
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    status: int = 0
    """What the page was answered; 0: nothing."""
    stored: bool = False
    """Whether the collector, or the subject's stub, answered 2xx, whatever the page heard of it."""
    user: str = ""
    reads: "Callable[[Request], Sequence[Flush]] | None" = None
    """How it is read, if not as a request to the collector."""

    @property
    def encoding(self) -> str:
        """Return `gzip`, or an empty string."""
        return self.headers.get("content-encoding") or self.query.get("encoding", "")

    @property
    def text(self) -> bytes:
        """Return the body, decompressed; empty if it can't be."""
        if self.encoding != "gzip":
            return self.body
        try:
            return gzip.decompress(self.body)
        except (OSError, EOFError, zlib.error):
            return b""

    @cached_property
    def flushes(self) -> list[Flush]:
        """The flushes in it; none if it holds something else."""
        return list(self.reads(self) if self.reads else _flushes(self.text))

    @property
    def transports(self) -> list[str]:
        """Return the transport of each flush."""
        return [each.transport for each in self.flushes]


def _flushes(text: bytes) -> Iterator[Flush]:
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and "flush_id" in found:
            impressions: Sequence[dict[str, Any]] = found.get("impressions", [])
            yield Flush(
                found["flush_id"],
                found.get("user_id", ""),
                found.get("transport", ""),
                found.get("reason", ""),
                tuple((each.get("impression_id", ""), each.get("artwork_id", "")) for each in impressions),
                found.get("telemetry", {}),
                found,
            )
