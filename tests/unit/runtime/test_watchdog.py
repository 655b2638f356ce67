"""When missing progress is a stall, and what the watchdog then reports."""

from collections.abc import Callable, Iterable

import pytest
from prometheus_client import CollectorRegistry, Gauge

from streams.errors import StalledError
from streams.runtime.health import Health
from streams.runtime.stall import Key, Stalls, Work
from streams.runtime.watchdog import Watchdog

SECONDS, STEP = 60.0, 15.0
P0, P1 = ("impressions.v1", 0), ("impressions.v1", 1)


def still(key: Key = P0, position: int | None = 5, moved: object = 0, waits: bool = False) -> Work:
    return Work(key, position, moved, waits)


def has_work(works: list[Work]) -> dict[Key, bool]:
    return {work.key: True for work in works}


def has_none(works: list[Work]) -> dict[Key, bool]:
    return {work.key: False for work in works}


def no_answer(_: list[Work]) -> dict[Key, bool]:
    return {}


Lag = Callable[[list[Work]], dict[Key, bool]]


def after(looks: Iterable[tuple[list[Work], Lag]], step: float = STEP) -> Stalls:
    """Take looks a step apart. The first only learns the positions, the second may find work, the third counts."""
    stalls = Stalls(SECONDS, 2 * STEP)
    for number, (works, lag) in enumerate(looks):
        stalls.look(1000 + number * step, works, lag)
    return stalls


def test_work_without_progress_for_the_limit_is_a_stall() -> None:
    assert after([([still()], has_work)] * 5).stalled() == []
    assert after([([still()], has_work)] * 6).stalled() == [P0]
    assert after([([still()], has_work)] * 9).stalled(2) == []
    assert after([([still()], has_work)] * 10).stalled(2) == [P0]


@pytest.mark.parametrize("lag", [has_none, no_answer])
def test_without_work_or_without_an_answer_there_is_no_stall(lag: Lag) -> None:
    assert after([([still()], lag)] * 100).stalled() == []


def test_work_counts_from_when_it_was_first_seen() -> None:
    """A record may arrive after hours without one."""
    assert after([([still()], has_none)] * 1000 + [([still()], has_work)] * 4).stalled() == []
    assert after([([still()], has_none)] * 1000 + [([still()], has_work)] * 5).stalled() == [P0]


@pytest.mark.parametrize("break_", [([still()], has_none), ([still()], no_answer), ([still(waits=True)], has_work)])
def test_a_break_restarts_the_count(break_: tuple[list[Work], Lag]) -> None:
    stuck = ([still()], has_work)
    assert after([stuck] * 6 + [break_]).stalled() == []
    assert after([stuck] * 5 + [break_] + [stuck] * 4).stalled() == []


def test_the_broker_is_not_asked_about_partitions_that_move() -> None:
    asked: list[Work] = []

    def lag(works: list[Work]) -> dict[Key, bool]:
        asked.extend(works)
        return has_work(works)

    assert after([([still(moved=n)], lag) for n in range(100)]).stalled() == []
    assert after([([still(waits=True)], lag)] * 100).stalled() == []
    assert asked == []


def test_a_partition_being_restored_has_work_if_the_broker_answers() -> None:
    assert after([([still(position=None)], has_none)] * 6).stalled() == [P0]
    assert after([([still(position=None)], no_answer)] * 100).stalled() == []
    assert after([([still(position=None, moved=n)], has_none) for n in range(100)]).stalled() == []


def test_each_partition_stalls_on_its_own() -> None:
    moving = [([still(P1), still(P0, moved=n)], has_work) for n in range(6)]
    assert after(moving).stalled() == [P1]


def test_a_revoked_partition_is_forgotten() -> None:
    stuck = ([still()], has_work)
    assert after([stuck] * 6 + [([], has_work)]).stalled() == []
    assert after([stuck] * 6 + [([], has_work), stuck, stuck]).stalled() == []


def test_time_in_which_the_process_was_stopped_does_not_count() -> None:
    """An hour of SIGSTOP, or of a closed laptop, is not a stall."""
    stalls = after([([still()], has_work)] * 3)
    stalls.look(1000 + 3600, [still()], has_work)
    assert stalls.stalled() == []


class Watched:
    """A watchdog over one partition, and what it shows."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.gauge = Gauge("stalled", "-", registry=registry)
        self.health = Health(Gauge("ready", "-", registry=registry))
        self.work, self.now = still(), 0.0
        self.dog = Watchdog(SECONDS, lambda: [self.work], has_work, self.gauge, self.health)

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            self.now += STEP
            self.dog.look(self.now)

    @property
    def shown(self) -> float:
        (metric,) = self.gauge.collect()
        return metric.samples[0].value

    @property
    def shows_nothing(self) -> bool:
        return self.shown == 0 and self.health.why is None


def test_a_stall_is_shown_until_there_is_progress() -> None:
    watched = Watched()
    watched.look(5)
    assert watched.shows_nothing
    watched.look()
    assert watched.shown == 1
    assert watched.health.why == "There are records to process in impressions.v1-0, and nothing moved for 60 s."
    watched.work = still(position=6, moved=1)
    watched.look()
    assert watched.shows_nothing


def test_a_stall_that_lasts_ends_the_process() -> None:
    watched = Watched()
    watched.look(9)
    with pytest.raises(StalledError, match=r"impressions\.v1-0"):
        watched.look()
    assert watched.shown == 1
