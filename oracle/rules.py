"""The judge's parameters and its input: settings of the installation, and records of the source."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """The three durations that the rules use, in ms.

    `changes` has each later value of the lateness, oldest first: the A from which it holds, and the lateness (ms). The
    installation must be idle while it is changed.
    """

    window_ms: int
    lateness_ms: int
    tolerance_ms: int
    changes: tuple[tuple[int, int], ...] = ()

    def lateness_at(self, at: int) -> int:
        """Return the lateness that holds for a record with this A."""
        return next((lateness for start, lateness in reversed(self.changes) if at >= start), self.lateness_ms)


@dataclass(frozen=True)
class Record:
    """A record of a topic, as read. `topic_id` distinguishes a re-created topic from the deleted one of its name."""

    topic_id: str
    partition: int
    offset: int
    appended_at: int | None  # None: the topic keeps the producer's time
    key: bytes | None
    value: bytes | None
    origin: bytes | None = None

    @property
    def time(self) -> int:
        """Return the contract's A. Raises ValueError if the record has no append time from the broker."""
        if self.appended_at is None:
            raise ValueError(f"partition {self.partition} offset {self.offset}: no append time")
        return self.appended_at


def lines_of(value: bytes | None) -> list[bytes]:
    """Return the lines of a source record, at least one: split at 0x0A. A 0x0A at the end only ends the last line."""
    if not value:
        return [b""]
    return value.removesuffix(b"\n").split(b"\n")


def line_count(value: bytes | None) -> int:
    """Return how many lines a source record has."""
    return value.removesuffix(b"\n").count(b"\n") + 1 if value else 1
