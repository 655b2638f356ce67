"""A producer's sender over HTTP with connections that send nothing, and a clock that the test moves."""

import json
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from impression_streams.delivery import Delivery
from impression_streams.http import sender as module
from impression_streams.http.answer import Answer
from impression_streams.http.batch import Batch
from impression_streams.http.connection import Result, Target
from impression_streams.http.endpoint import Endpoint
from impression_streams.http.sender import HttpSender
from impression_streams.http.token import Tokens
from impression_streams.outgoing import Outgoing

# Far enough in the future that the monotonic clock of the test's machine plays no part.
NOW = 1e9


class FakeConnection:
    """Sends nothing."""

    def __init__(self, *_: object) -> None:
        self.batch: Batch | None = None
        self.overdue_at, self.is_cut = 0.0, False

    def send(self, batch: Batch, now: float) -> None:
        assert self.batch is None
        self.batch, self.overdue_at, self.is_cut = batch, now + 20, False

    def cut(self) -> None:
        self.is_cut = True


@dataclass
class Bench:
    """A sender with two connections that send nothing, and its clock."""

    sender: HttpSender
    now: list[float]
    reports: list[Delivery] = field(default_factory=list)

    def submit(self, *items: Outgoing, seconds: float = 120) -> None:
        for item in items:
            item.started, item.give_up_at = self.now[0], self.now[0] + seconds
            self.sender.submit(item)
        self.tick()

    def tick(self, seconds: float = 0.0) -> None:
        self.now[0] += seconds
        self.sender.tick(self.now[0])

    def in_flight(self) -> list[list[str]]:
        """Return the ids of flushes by connection."""
        batches = [connection.batch for connection in self.sender._connections]
        return [[item.flush_id for item in batch.items] for batch in batches if batch is not None]

    def answer(self, status: int = 202, value: object = None, after: str | None = None, which: int = 0) -> None:
        """Answer the request of a connection."""
        connection = self.sender._connections[which]
        assert connection.batch is not None
        items = connection.batch.items
        lines = list(range(len(items))) if items[0].flush_id else [0] * 9
        body = json.dumps({"accepted": 1, "rejected": []} if value is None else value).encode()
        self.sender._answered(connection, Result(Answer(status, body, after), "", lines))

    def fail(self, which: int = 0, missing: dict[str, str] | None = None) -> None:
        """Let a connection's request fail."""
        self.sender._answered(self.sender._connections[which], Result(None, "no answer", [], missing or {}))


def bench(monkeypatch: pytest.MonkeyPatch, tokens: Tokens | None = None, linger: float = 0.0) -> Bench:
    monkeypatch.setattr(module, "Connection", FakeConnection)
    now = [NOW]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0], time=lambda: now[0]))
    monkeypatch.setattr(module, "random", SimpleNamespace(uniform=lambda low, high: high))
    target = Target(Endpoint.parse("http://127.0.0.1"), tokens or Tokens(), None, 20)
    reports: list[Delivery] = []
    sender = HttpSender(target, 2, linger, lambda step: step(), lambda item, delivery: reports.append(delivery))
    return Bench(sender, now, reports)
