"""What it costs when a second worker joins or leaves while impressions arrive: how long there is no output."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.lib import worker
from bench.lib.figures import Quantiles, quantiles
from bench.lib.follow import Follower, longest_silence
from bench.lib.measure import total
from bench.lib.traffic import Traffic, now_ms, sending
from bench.lib.worker import Out
from streams.errors import UserError
from streams.settings import Settings

RATE = 1_700.0
# Before the first change and after each: time for output to flow again and the backlog to be worked off.
STEADY_SECONDS = 5.0
# A bound for all of it.
MOST_SECONDS = 240.0
CHANGE_SECONDS = 60.0
POLL_SECONDS = 0.05
FIRST, SECOND = 0, 1


@dataclass(frozen=True, slots=True)
class Change:
    """A second worker joined or left."""

    what: str
    settled: float
    """Seconds until each worker held its partitions and was ready."""
    silences: tuple[float, ...]
    """Each partition's longest time without a row (s)."""
    latency: Quantiles
    """Latencies (ms) of what was appended from the change until some seconds after it settled."""


def measure(settings: Settings, partitions: int, out: Out) -> list[Change]:
    """Start a worker, then let a second one join and leave. Raises UserError if one hangs."""
    worker.program(settings, FIRST).start()
    worker.wait_ready(settings, (FIRST,), out)
    follower = Follower(settings, coverage=False)
    changes: list[Change] = []
    both, alone = (partitions - partitions // 2, partitions // 2), (partitions,)

    def change(what: str, act: Callable[[], object], held: tuple[int, ...]) -> None:
        begun = now_ms()
        act()
        _wait_held(settings, held, what)
        settled = (now_ms() - begun) / 1000
        time.sleep(STEADY_SECONDS)
        silences = [
            longest_silence(follower.accepted.times(number), begun, now_ms()).seconds for number in range(partitions)
        ]
        latency = quantiles(follower.accepted.latencies(begun, now_ms()))
        changes.append(Change(what, settled, tuple(silences), latency))
        out(f"{what}: settled after {settled:.1f} s, no output of a partition for {max(silences):.2f} s")

    try:
        with sending(settings, Traffic(RATE, MOST_SECONDS, 1, now_ms(), seed=1)) as sender:
            time.sleep(STEADY_SECONDS)
            change("a second worker starts", lambda: worker.program(settings, SECOND).start(), both)
            change("it ends (SIGTERM)", lambda: worker.program(settings, SECOND).stop(), alone)
            change("it starts again", lambda: worker.program(settings, SECOND).start(), both)
            change("it is killed and does not come back", lambda: worker.program(settings, SECOND).kill(), alone)
            sender.stop()
    finally:
        follower.close()
    return changes


def _wait_held(settings: Settings, held: tuple[int, ...], what: str) -> None:
    """Return once the workers are ready with these numbers of partitions, in any order."""
    deadline = time.monotonic() + CHANGE_SECONDS
    while True:
        texts = [worker.exposition(settings, index) for index in range(len(held))]
        found = sorted(int(total(text, worker.PARTITIONS)) for text in texts)
        if found == sorted(held) and all(map(worker.is_ready, texts)):
            return
        if time.monotonic() > deadline:
            raise UserError(f"Not settled within {CHANGE_SECONDS:.0f} s: {what}; partitions held: {found}.")
        time.sleep(POLL_SECONDS)


def cells(change: Change) -> tuple[str, ...]:
    """Return a row of the table."""
    silences = sorted(change.silences)
    return (
        change.what,
        f"{change.settled:.1f}",
        f"{silences[-1]:.2f}",
        f"{silences[0]:.2f}",
        f"{change.latency.p50:,.0f}",
        f"{change.latency.p99:,.0f}",
        f"{change.latency.max:,.0f}",
    )
