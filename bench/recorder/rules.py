"""The recorder's rules for when what is sent, played against a session: recorder/src without its browser.

    record ──► memory ──(timer, size)──► request ──► acknowledged
                  └──(hidden, pagehide)──► keepalive fetch and, if it is small, a beacon beside it

One drain at a time, a request after another until nothing waits; what was recorded while a request was in flight
goes in the next one at once. An exit sends all that is not on its way.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.recorder.settings import Setting
from bench.recorder.viewers import Session

# recorder/src/arm.ts: repeated triggers within so long (s) count as one, and so does a batch that is full.
DEBOUNCE_SECONDS = 0.1
# recorder/src/exit.ts and send/quota.ts: what goes by two ways, and the most of a request of an exit, in bytes.
TWICE_BYTES, QUOTA_BYTES, EXIT_BATCH = 16 * 1024, 60 * 1024, 500
# From a request's start to its answer: between a cable and a mobile network that is good.
RTT_SECONDS = 0.1


class Request(NamedTuple):
    """A request at a time (s since the page opened); `exit`: from memory, raw; `copies`: 2 with a beacon beside it."""

    at: float
    impressions: int
    exit: bool
    copies: int = 1


@dataclass(slots=True)
class Played:
    """What became of a session."""

    requests: list[Request] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    """From recorded to acknowledged (s), of what was acknowledged while the page lived."""
    at_risk: int = 0
    """Recorded and not acknowledged when the page went."""
    unsent: int = 0
    """Of those: not even on their way."""
    most: int = 0
    """The most that were not acknowledged at any time."""


class Recorder:
    """One page's recorder. `size(n)` is the bytes of a raw body of n impressions."""

    def __init__(self, setting: Setting, size: Callable[[int], int], rtt: float = RTT_SECONDS) -> None:
        self._setting, self._size, self._rtt = setting, size, rtt
        self._waiting: list[float] = []
        self._flying = 0
        self._timer: float | None = None
        self._draining = False
        self.played = Played()
        # Answers on their way: when, what they acknowledge, whether a drain waits for them.
        self._answers: list[tuple[float, list[float], bool]] = []

    def play(self, session: Session) -> Played:
        """Play a session to its end."""
        events = heapq.merge(
            ((at, self._record) for at in session.recorded), ((at, self._exit) for at in session.hidden),
            key=lambda event: event[0],
        )  # fmt: skip
        for at, act in events:
            self._until(at)
            act(at)
        self._until(session.end)
        self.played.at_risk, self.played.unsent = len(self._waiting) + self._flying, len(self._waiting)
        self._exit(session.end)
        return self.played

    def _until(self, at: float) -> None:
        """Let timers and answers come that are due before."""
        while True:
            answer = self._answers[0][0] if self._answers else None
            due = min((each for each in (answer, self._timer) if each is not None), default=None)
            if due is None or due > at:
                return
            if due == answer:
                self._answered(*heapq.heappop(self._answers))
            else:
                self._timer = None
                if not self._draining:
                    self._send(due)

    def _record(self, at: float) -> None:
        self._waiting.append(at)
        held = len(self._waiting) + self._flying
        self.played.most = max(self.played.most, held)
        due = at + (DEBOUNCE_SECONDS if held >= self._setting.batch else self._setting.flush_seconds)
        self._timer = due if self._timer is None else min(due, self._timer)

    def _send(self, at: float) -> None:
        """Claim the oldest, and send them; without any the drain is over."""
        sent, self._waiting = self._waiting[: self._setting.batch], self._waiting[self._setting.batch :]
        self._draining = bool(sent)
        if sent:
            self._fly(at, sent, drains=True)
            self.played.requests.append(Request(at, len(sent), exit=False))

    def _answered(self, at: float, acknowledged: list[float], drains: bool) -> None:
        self._flying -= len(acknowledged)
        self.played.waits += (at - seen for seen in acknowledged)
        if drains:
            self._send(at)

    def _exit(self, at: float) -> None:
        """Send what is not on its way."""
        leaving, self._waiting = self._waiting, []
        if leaving:
            self._leave(at, leaving)

    def _leave(self, at: float, leaving: list[float]) -> None:
        """Send by keepalive fetch, and by beacon what is small; in halves what the quota refuses as a whole."""
        size, half = self._size(len(leaving)), len(leaving) // 2
        if half and (size > QUOTA_BYTES or len(leaving) > EXIT_BATCH):
            self._leave(at, leaving[:half])
            self._leave(at, leaving[half:])
        else:
            self.played.requests.append(Request(at, len(leaving), exit=True, copies=2 if size <= TWICE_BYTES else 1))
            self._fly(at, leaving, drains=False)

    def _fly(self, at: float, sent: list[float], *, drains: bool) -> None:
        self._flying += len(sent)
        heapq.heappush(self._answers, (at + self._rtt, sent, drains))
