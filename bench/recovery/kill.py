"""A worker killed while impressions arrive: how long until it gives output again."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.lib import worker
from bench.lib.follow import Arrivals, Follower, longest_silence
from bench.lib.traffic import Traffic, now_ms, sending
from bench.lib.worker import Out
from streams.embedded import stack
from streams.errors import UserError
from streams.settings import Settings

RATE = 1_700.0
# The traffic before the kill, and a bound for all of it.
BEFORE_SECONDS, MOST_SECONDS = 6.0, 120.0
# Latency is back to usual once it no longer exceeds this (the latency target's P99).
USUAL_MS = 250.0
# It has been so for this long (s).
STEADY_SECONDS = 3.0
POLL_SECONDS = 0.1


class How(StrEnum):
    """What restarts it."""

    AT_ONCE = "at once, by whoever killed it"
    SUPERVISOR = "by the supervisor of `impressions up`"


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill; seconds since it."""

    how: How
    moving: float
    """Until the first accepted row committed after the kill can be read."""
    usual: float
    """Until the last row that took longer than usual: the backlog of the outage is worked off."""


def measure(settings: Settings, how: How, seed: int, out: Out) -> Kill:
    """Kill worker 0, which is ready, under traffic, and watch it recover; it runs when this returns.

    Raises UserError if it does not recover in time.
    """
    supervisor, victim = stack.supervisor(settings), worker.program(settings)
    if how is How.SUPERVISOR:
        # A new one each time: it waits longer before the second restart within a minute, as it should.
        supervisor.start()
    follower = Follower(settings, coverage=False)
    try:
        with sending(settings, Traffic(RATE, MOST_SECONDS, 1, now_ms(), seed)) as sender:
            time.sleep(BEFORE_SECONDS)
            pid = victim.pid
            if pid is None or not len(follower.accepted):
                raise UserError("Nothing was decided before the worker was to be killed.")
            killed = now_ms()
            victim.kill()
            if how is How.AT_ONCE:
                victim.start()
            _wait_usual(follower.accepted, killed, pid)
            sender.stop()
    finally:
        follower.close()
        supervisor.stop()
    found = judge(follower.accepted, how, killed, now_ms())
    out(f"killed, started again {how}: output moved after {found.moving:.1f} s, as usual after {found.usual:.1f} s")
    return found


def judge(arrivals: Arrivals, how: How, killed: float, until: float) -> Kill:
    """Compute the figures from what arrived."""
    silence = longest_silence(arrivals.times(), killed, until)
    return Kill(how, (silence.end - killed) / 1000, (last_unusual(arrivals, killed) - killed) / 1000)


def last_unusual(arrivals: Arrivals, since: float) -> float:
    """Return when the last row arrived that took longer than usual; `since` if none did after it."""
    slow = [
        at
        for at, appended in zip(arrivals.at, arrivals.appended, strict=True)
        if at > since and at - appended > USUAL_MS
    ]
    return max(slow, default=since)


def _wait_usual(arrivals: Arrivals, killed: float, pid: int) -> None:
    """Return once rows from after the kill have arrived, and none slower than usual for some seconds."""
    deadline = time.monotonic() + MOST_SECONDS - 2 * BEFORE_SECONDS
    usual_since: float | None = None
    while usual_since is None or time.monotonic() - usual_since < STEADY_SECONDS:
        time.sleep(POLL_SECONDS)
        latest = arrivals.appended[-1]
        usual = latest > killed and now_ms() - latest < USUAL_MS
        usual_since = (usual_since or time.monotonic()) if usual else None
        if time.monotonic() > deadline:
            raise UserError(f"The worker killed (process {pid}) did not come back in {MOST_SECONDS:.0f} s.")


def summary(kills: Sequence[Kill]) -> list[tuple[str, ...]]:
    """Return a table's cells, a row for each way to restart it; times are the median and the longest."""
    rows = []
    for how in How:
        of_it = [each for each in kills if each.how is how]
        if of_it:
            moving, usual = sorted(each.moving for each in of_it), sorted(each.usual for each in of_it)
            cells = [f"{value:.1f}" for value in (moving[len(moving) // 2], moving[-1], usual[len(usual) // 2])]
            rows.append((how.value, str(len(of_it)), *cells))
    return rows
