"""What Kafka and ClickHouse hold of an installation: facts, gathered by `look`, which `judge` takes a decision from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from streams.state.position import Position


class Begun(Enum):
    """What is left of a changelog partition's beginning, the BEGIN record, for a read_committed consumer."""

    NEVER = "never"
    """No committed record, and none was deleted; an aborted transaction leaves nothing else."""
    WHOLE = "whole"
    """It has its BEGIN."""
    CUT = "cut"
    """It had records, but no BEGIN is left: an unknown part of it is gone."""


@dataclass(frozen=True, slots=True)
class PartitionFound:
    """What Kafka holds of one source partition. The default is nothing at all."""

    changelogs: tuple[Begun, ...] = (Begun.NEVER, Begun.NEVER)
    """In the order of `Table`."""
    position: Position | None = None
    unfinished: bool = False
    """A rebuild has removed the position, and not yet written the new one."""
    worked: bool = False
    """A worker has committed an offset, or written an accepted impression or a ledger row."""


class Accepted(NamedTuple):
    """An accepted impression in ClickHouse; `seen_at` in ms."""

    event_id: str
    user_id: str
    artwork_id: str
    seen_at: int


@dataclass(frozen=True, slots=True)
class Tables:
    """What ClickHouse holds."""

    rows: Mapping[str, int]
    """By table; a table that doesn't exist is missing here."""
    decided: Mapping[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    """Offset and line of the ledger's last row, by source topic id and partition."""
    sample: tuple[Accepted, ...] = ()

    @property
    def history(self) -> int:
        """The number of rows that show earlier work."""
        return sum(self.rows.values())


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was found. ClickHouse is None if it was not looked at."""

    topic_id: str | None
    """Of the source; None if there is no such topic."""
    partitions: tuple[PartitionFound, ...]
    """As many as the source has; without a source, as many as are declared."""
    tables: Tables | None = None
