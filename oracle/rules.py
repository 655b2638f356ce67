"""The judge's parameters and what it is given: settings of the installation, and records of the source."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """The three times that the rules measure by, in ms."""

    window_ms: int
    lateness_ms: int
    tolerance_ms: int


@dataclass(frozen=True)
class Record:
    """A record of a topic, as read; `topic_id` tells apart a topic from one of its name that was deleted."""

    topic_id: str
    partition: int
    offset: int
    appended_at: int | None  # None: the topic keeps the producer's time
    key: bytes | None
    value: bytes | None
    origin: bytes | None = None

    @property
    def time(self) -> int:
        """The contract's A. Raises ValueError if the broker did not note when it appended the record."""
        if self.appended_at is None:
            raise ValueError(f"partition {self.partition} offset {self.offset}: no time of appending")
        return self.appended_at


def lines_of(value: bytes | None) -> list[bytes]:
    """The lines of a source record: split at 0x0A, of which one at the end ends the last line. At least one line."""
    if not value:
        return [b""]
    return value.removesuffix(b"\n").split(b"\n")


def line_count(value: bytes | None) -> int:
    """How many lines it has."""
    return value.removesuffix(b"\n").count(b"\n") + 1 if value else 1
