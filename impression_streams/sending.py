"""What a producer's engine asks of whatever sends its records: to Kafka (sender), or to a collector (http.sender)."""

from collections.abc import Callable
from typing import Protocol

from impression_streams.delivery import Delivery
from impression_streams.outgoing import Outgoing

# Why a record comes back that was given up while nothing was known to be wrong.
GIVEN_UP = "not acknowledged in time"

Post = Callable[[Callable[[], None]], None]
Done = Callable[[Outgoing, Delivery], None]


class Sender(Protocol):
    """Sends records. The engine's thread calls everything; what other threads find out is posted to it."""

    retries: int  # attempts that failed and were repeated
    threads: set[int]  # those that the producer's work waits for
    topic_is_missing: bool  # as the last attempts have shown
    looks: int  # so often in a row the other side has said so since

    def start(self) -> None:
        """Start its threads."""

    def stop(self) -> None:
        """Let them end."""

    def submit(self, outgoing: Outgoing) -> None:
        """Send a record, and report it once. Never blocks."""

    def abandon(self) -> None:
        """Give up: report every record that is not acknowledged by now as failed."""

    def next_retry(self) -> float | None:
        """Return when `tick` has something to do (monotonic, s)."""

    def tick(self, now: float) -> None:
        """Do what is due."""


# `post` hands a step to the engine's thread; `done` is to be called there, once for every record submitted.
MakeSender = Callable[[Post, Done], Sender]
