"""A virtual user: what it has seen, what it has not yet sent, and the request in flight.

          see ──► unsent ──(timer, size)──► queue ──► request ──► acknowledged
                                                       │   ▲
                                              in flight│   │waiting (Retry-After, backoff)
                                                       ▼   │
                                                  anything but 202

At most one request is in flight. Until its 202 a request is kept, and sent again with the same ids and bytes. Nothing
that the server does or fails to do changes what is seen, or when a flush is due.
"""

from collections import deque
from enum import Enum, auto
from math import gcd
from random import Random

from load.users.answer import Answer
from load.users.connection import Connection
from load.users.flush import flush_json, impression_json
from load.users.request import Request, Waiting, counted
from load.users.surroundings import Surroundings

ACCEPTED = 202
# The server's answers after which the same bytes may be stored later: too slow, too many, and its own troubles.
AGAIN = frozenset({408, 429, 500, 502, 503, 504})
# What waits is sent together, one flush a line, up to this.
MOST_LINES, MOST_BYTES = 50, 256 * 1024
# Users' repeats follow at most this long (s) after the impression that they repeat: well within the window.
SOON = 60.0
# A part of the time that a server names, added so that not all come back at once.
JITTER = 0.5


class State(Enum):
    """What the user's network side does."""

    IDLE = auto()
    CONNECTING = auto()
    ASKING = auto()
    WAITING = auto()


class User:
    """See the module. Its methods are called by the crowd, and by its connection."""

    __slots__ = (
        "_attempt", "_connection", "_first_seen", "_flushes", "_last", "_last_at", "_offset", "_queue", "_rows",
        "_seen", "_shared", "_stride", "_timer", "_turn", "_unsent", "distinct", "name", "number", "request", "state",
    )  # fmt: skip

    def __init__(self, shared: Surroundings, number: int, in_order: bool = False) -> None:
        """With `in_order` the user sees the artworks in the order of the catalogue."""
        self._shared, self.number, self.name = shared, number, shared.plan.user_id(number)
        self.state, self.request = State.IDLE, None
        self._connection: Connection | None = None
        self._queue: deque[Waiting] = deque()
        self._unsent: list[str] = []
        self._rows: list[int] = []
        self._seen = self._flushes = self._attempt = self._turn = self.distinct = 0
        self._last, self._last_at, self._first_seen, self._timer = 0, 0.0, 0.0, 0.0
        # A walk that meets every artwork once: each user has its own, and needs no memory of where it was.
        size, rng = shared.plan.artworks, shared.rng
        self._offset, self._stride = (0, 1) if in_order else (rng.randrange(size), stride(size, rng))

    request: Request | None

    def see(self, due: float) -> None:
        """See an artwork: one that the user never saw, or (a deliberate share) the one just seen, once more."""
        shared, plan = self._shared, self._shared.plan
        repeat = self.distinct > 0 and due - self._last_at < SOON and shared.rng.random() < plan.repeats
        if not repeat:
            if self.distinct == plan.artworks:
                raise RuntimeError(f"{self.name} has seen all {plan.artworks} artworks: the catalogue is too small")
            self._last = (self._offset + self._stride * self.distinct) % plan.artworks
            self._last_at = due
            self.distinct += 1
        seen_at = int(due * 1000)
        self._rows.append(shared.ledger.see(self.number, self._seen, self._last, seen_at, not repeat))
        self._unsent.append(impression_json(self.number, self._seen, self._last, seen_at, plan.pool))
        self._seen += 1
        if len(self._unsent) == 1:
            self._first_seen, self._timer = due, due + plan.flush_seconds
            shared.flush_at(self._timer, self)
        if len(self._unsent) >= plan.batch:
            self._cut(due, "size")

    def flush_due(self, due: float) -> None:
        """A timer has run out: that of what is not yet sent, or of what has gone by size meanwhile."""
        if self._unsent and due == self._timer:
            self._cut(due, "timer")

    def open(self) -> None:
        """Connect, also with nothing to send."""
        if self.state is State.IDLE and self._connection is None:
            self.state = State.CONNECTING
            self._shared.connect(self)

    def connected(self, connection: Connection) -> None:
        """Called with the connection that `connect` opened."""
        self._connection, self.state = connection, State.IDLE
        self._go_on()

    def not_connected(self) -> None:
        """Called instead if nothing answered there."""
        self._shared.ledger.happened["not connected"] += 1
        self._wait(None)

    def answered(self, connection: Connection, answer: Answer) -> None:
        """Called by the connection."""
        if connection is not self._connection or self.state is not State.ASKING or self.request is None:
            return
        self._shared.ledger.statuses[str(answer.status)] += 1
        if not answer.keep:
            self._connection = None
            connection.abort()
        if answer.status == ACCEPTED:
            self._stored(self.request, answer)
        elif answer.status in AGAIN:
            self._wait(answer.retry_after)
        else:
            # Sending it again would change nothing. The run is not right: nothing of it should be refused.
            self._done(self.request)

    def lost(self, connection: Connection) -> None:
        """Called by the connection."""
        if connection is not self._connection:
            return
        self._connection, happened = None, self._shared.ledger.happened
        if self.state is not State.ASKING:
            happened["closed while idle"] += 1
        elif connection.served and not connection.begun and not self._attempt:
            # The server may close an idle connection just as it is used again: browsers then ask again at once.
            happened["lost, sent again at once"] += 1
            self._attempt, self.state = 1, State.IDLE
            self._go_on()
        else:
            happened["lost"] += 1
            self._wait(None)

    def woken(self, turn: int) -> None:
        """A time has come: the end of patience with a request, or the moment to send it again."""
        if turn != self._turn:
            return
        if self.state is State.ASKING:
            self._shared.ledger.happened["timed out"] += 1
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.abort()
            self._wait(None)
        elif self.state is State.WAITING:
            self.state = State.IDLE
            self._go_on()

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    def _cut(self, due: float, reason: str) -> None:
        shared, now = self._shared, self._shared.now()
        cut_at = int(now * 1000)
        row = shared.ledger.cut(self.number, self._flushes, cut_at, due, self._rows)
        line = flush_json(self.number, self.name, self._flushes, cut_at, reason, self._unsent, queued=len(self._queue))
        self._queue.append(Waiting(row, line, len(self._rows), self._first_seen, self.distinct))
        self._flushes += 1
        self._unsent, self._rows = [], []
        self._go_on()

    def _go_on(self) -> None:
        """Send what there is to send, if nothing is in flight."""
        if self.state is not State.IDLE or not (self.request or self._queue):
            return
        if self.request is None:
            self.request = self._take()
        if self._connection is None:
            self.open()
            return
        self.state, shared = State.ASKING, self._shared
        now = shared.now()
        for flush in self.request.flushes:
            shared.ledger.attempt(flush.row, now)
        self._turn += 1
        shared.wake(now + shared.plan.patience.request, self, self._turn)
        self._connection.send(shared.head % len(self.request.body) + self.request.body)

    def _take(self) -> Request:
        flushes, size = [self._queue.popleft()], 0
        while self._queue and len(flushes) < MOST_LINES and size < MOST_BYTES:
            size += len(self._queue[0].line)
            flushes.append(self._queue.popleft())
        return Request(flushes, again=self._shared.rng.random() < self._shared.plan.doubles)

    def _stored(self, request: Request, answer: Answer) -> None:
        self._attempt, shared = 0, self._shared
        if counted(answer.body) != (request.impressions, 0):
            shared.ledger.happened["answer with other numbers"] += 1
        if not request.acknowledged:
            request.acknowledged, now = True, shared.now()
            for flush in request.flushes:
                shared.acknowledged(self, flush, shared.ledger.acknowledge(flush.row, now))
        if request.again:
            request.again = False
            shared.ledger.happened["sent twice on purpose"] += 1
            self.state = State.IDLE
            self._go_on()
        else:
            self._done(request)

    def _done(self, request: Request) -> None:
        self.request, self.state, self._attempt = None, State.IDLE, 0
        self._shared.finished(request.impressions)
        self._go_on()

    def _wait(self, retry_after: float | None) -> None:
        """Send it again later: when the server said, or after a pause that grows with each attempt."""
        patience, rng = self._shared.plan.patience, self._shared.rng
        if retry_after is None:
            longest = min(patience.longest_backoff, patience.first_backoff * 2.0**self._attempt)
            seconds = longest * rng.uniform(0.5, 1.0)
        else:
            seconds = retry_after * (1 + rng.uniform(0, JITTER))
        self._attempt += 1
        self._turn += 1
        self.state = State.WAITING
        self._shared.wake(self._shared.now() + seconds, self, self._turn)


def stride(size: int, rng: Random) -> int:
    """Return a step that meets each of `size` places before it meets one again."""
    while gcd(step := rng.randrange(1, size + 1), size) != 1:
        pass
    return step
