"""One user's rules, without a network: when it sends, what it sends again, and how long it waits."""

from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from load.users.answer import Answer
from load.users.connection import Connection
from load.users.ledger import Ledger
from load.users.plan import Patience
from load.users.request import Waiting
from load.users.user import JITTER, MOST_LINES, State, User
from tests.support.crowds import plan

PATIENCE = Patience(request=20.0, first_backoff=0.25, longest_backoff=10.0)


class Line(Connection):
    """A connection that only remembers what was sent."""

    def __init__(self, user: User) -> None:
        super().__init__(user)
        self.sent: list[bytes] = []

    def send(self, request: bytes) -> None:
        """Remember it."""
        self.sent.append(request)

    @property
    def body(self) -> bytes:
        """The body of the last request."""
        return self.sent[-1].partition(b"\r\n\r\n")[2]


class Shared:
    """A clock that is set by hand, and everything that users ask for."""

    def __init__(self, **changes: Any) -> None:
        values = {"users": 1, "repeats": 0.0, "doubles": 0.0, "batch": 3, "flush_seconds": 2.0, "patience": PATIENCE}
        self.plan = plan(Path("/s"), **(values | changes))
        self.ledger, self.rng, self.head, self.time = Ledger(), Random(1), b"%d\r\n\r\n", 1_000.0
        self.wakes: list[tuple[float, int]] = []
        self.timers: list[float] = []
        self.connections: list[Line] = []
        self.done: list[int] = []
        self.late: list[float] = []
        self.user = User(self, 0)

    def now(self) -> float:
        return self.time

    def wake(self, at: float, user: User, turn: int) -> None:
        self.wakes.append((at, turn))

    def flush_at(self, at: float, user: User) -> None:
        self.timers.append(at)

    def connect(self, user: User) -> None:
        self.connections.append(Line(user))
        user.connected(self.connections[-1])

    def acknowledged(self, user: User, flush: Waiting, after: float) -> None:
        self.late.append(after)

    def finished(self, impressions: int) -> None:
        self.done.append(impressions)

    def see(self, count: int, at: float = 1_000.0) -> None:
        for _ in range(count):
            self.user.see(at)

    def answer(self, status: int, retry_after: float | None = None, keep: bool = True) -> None:
        """Answer the request in flight."""
        request = self.user.request
        body = orjson.dumps({"accepted": request.impressions if request else 0, "rejected": []})
        self.user.answered(self.connections[-1], Answer(status, retry_after, body, keep))

    def waits(self) -> float:
        """Let the last wake-up come; return after how long it does."""
        at, turn = self.wakes[-1]
        waited, self.time = at - self.time, at
        self.user.woken(turn)
        return waited


def test_a_flush_goes_with_its_batch_or_its_timer() -> None:
    shared = Shared()
    shared.see(1, at=1_000.0)
    assert shared.timers == [1_002.0]
    assert not shared.connections
    shared.see(2, at=1_000.5)
    (line,) = shared.connections
    assert len(orjson.loads(line.body)["impressions"]) == 3
    assert orjson.loads(line.body)["reason"] == "size"
    shared.answer(202)
    shared.see(1, at=1_001.0)
    assert shared.timers == [1_002.0, 1_003.0]
    shared.time = 1_003.25
    shared.user.flush_due(1_003.0)
    assert orjson.loads(line.body)["reason"] == "timer"
    shared.answer(202)
    assert shared.late == [pytest.approx(-0.5), 0.25], "from when each was due, not from when it was sent"
    assert shared.done == [3, 1]


def test_the_timer_of_what_has_gone_by_size_sends_nothing() -> None:
    shared = Shared()
    shared.see(3, at=1_000.0)
    shared.answer(202)
    shared.see(1, at=1_001.0)
    shared.user.flush_due(1_002.0)
    assert len(shared.connections[0].sent) == 1
    shared.user.flush_due(1_003.0)
    assert len(shared.connections[0].sent) == 2


def test_what_waits_goes_together_in_lines_up_to_a_limit() -> None:
    shared = Shared(artworks=997)
    shared.see(3)
    shared.see(3 * (MOST_LINES + 2))
    (line,) = shared.connections
    assert len(line.sent) == 1, "one request in flight"
    shared.answer(202)
    assert line.body.count(b"\n") == MOST_LINES - 1
    shared.answer(202)
    assert line.body.count(b"\n") == 1
    shared.answer(202)
    assert shared.user.state is State.IDLE
    assert sum(shared.done) == 3 * (MOST_LINES + 3)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_retry_has_the_same_bytes_and_waits_as_it_is_told(status: int) -> None:
    shared = Shared()
    shared.see(3)
    shared.see(3)  # comes meanwhile, and must not change the retry
    for seconds in (1.0, 7.0):
        shared.answer(status, retry_after=seconds)
        assert seconds <= shared.waits() <= seconds * (1 + JITTER)
    first, *others = shared.connections[0].sent
    assert others == [first, first]
    assert next(shared.ledger.flushes()).attempts == 3


def test_without_a_time_the_pause_doubles_up_to_a_limit() -> None:
    shared = Shared()
    shared.see(3)
    for longest in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0):
        shared.answer(503)
        assert longest / 2 <= shared.waits() <= longest
    shared.answer(202)
    shared.see(3)
    shared.answer(503)
    assert shared.waits() <= 0.25, "a success begins anew"


def test_patience_with_a_request_ends_and_its_late_answer_counts_for_nothing() -> None:
    shared = Shared()
    shared.see(3)
    (hung,) = shared.connections
    assert shared.waits() == PATIENCE.request
    assert shared.user.state is State.WAITING
    shared.user.answered(hung, Answer(202, None, b"{}", keep=True))
    assert shared.user.state is State.WAITING
    shared.waits()
    assert shared.connections[-1] is not hung
    assert shared.connections[-1].sent == hung.sent
    shared.answer(202)
    assert shared.done == [3]


def test_a_kept_connection_that_ends_under_a_request_is_replaced_at_once_but_only_once() -> None:
    shared = Shared()
    shared.see(3)
    first = shared.connections[0]
    first.served = 1
    shared.answer(202)
    shared.see(3)
    shared.user.lost(first)
    assert shared.connections[1].sent == first.sent[1:]
    assert not shared.ledger.happened["lost"]
    shared.connections[1].served = 1
    shared.user.lost(shared.connections[1])
    assert shared.user.state is State.WAITING
    assert shared.ledger.happened == {"lost, sent again at once": 1, "lost": 1}


def test_an_idle_connection_may_end_and_an_answer_may_end_one() -> None:
    shared = Shared()
    shared.see(3)
    shared.answer(202, keep=False)
    shared.see(3)
    shared.answer(202)
    assert len(shared.connections) == 2
    shared.user.lost(shared.connections[1])
    assert shared.ledger.happened["closed while idle"] == 1
    shared.see(3)
    assert len(shared.connections) == 3


def test_a_double_send_follows_its_acknowledgement_with_the_same_bytes() -> None:
    shared = Shared(doubles=1.0)
    shared.see(3)
    shared.answer(202)
    first, second = shared.connections[0].sent
    assert first == second
    assert shared.done == []
    shared.answer(202)
    assert shared.done == [3]
    assert len(shared.late) == 1, "the first acknowledgement counts"


def test_a_refusal_is_final() -> None:
    shared = Shared()
    shared.see(3)
    shared.answer(400)
    assert shared.done == [3]
    assert shared.late == []
    assert next(shared.ledger.flushes()).acked == 0


def test_a_repeat_is_of_the_artwork_just_seen_and_never_the_first() -> None:
    shared = Shared(repeats=1.0, batch=1_000)
    shared.see(3, at=1_000.0)
    shared.see(1, at=1_061.0)
    seen = list(shared.ledger.impressions())
    assert [each.first for each in seen] == [True, False, False, True]
    assert len({each.artwork for each in seen}) == 2
