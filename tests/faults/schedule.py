"""Random schedules: a load and a few faults at random times, all drawn from a seed before anything runs."""

import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from random import Random
from typing import NamedTuple

from oracle import Verdict
from streams.runtime.failpoints import Action, Failpoint
from tests.faults.system import SESSION_SECONDS, System
from tests.support.load import Shape
from tests.support.wait import let_pass

# Long enough (s) for a zombie's session to end and its successor to work.
LOAD_SECONDS = (10.0, 20.0)
FAULTS = (3, 8)
MEMBERS = ("worker-0", "worker-1", "sink-0", "sink-1")
# How long a process is stopped (s): within its session, around its end, well past it.
PAUSES = (1.0, SESSION_SECONDS, 1.7 * SESSION_SECONDS)
LATEST_HIT = 6


class Step(NamedTuple):
    """A fault at a time (s after the start of the load). The meaning of `detail` and `number` depends on the kind."""

    at: float
    kind: str
    target: str
    detail: str = ""
    number: float = 0.0

    def __str__(self) -> str:
        rest = " ".join(filter(None, (self.detail, f"{self.number:g}" if self.number else "")))
        return f"{self.at:.1f} s: {self.kind} {self.target} {rest}".rstrip()


@dataclass(frozen=True)
class Schedule:
    """The load and the faults that a seed stands for."""

    seed: int
    seconds: float
    rate: float
    shape: Shape
    steps: list[Step] = field(default_factory=list)


def draw(seed: int) -> Schedule:
    """Return the schedule of a seed."""
    rng = Random(seed)
    seconds = rng.uniform(*LOAD_SECONDS)
    shape = Shape(
        impressions=rng.choice(((1, 3), (5, 15), (50, 150))),
        packed=rng.choice((0.0, 0.1, 0.6)),
        retries=rng.choice((0.05, 0.3)),
        doubles=rng.choice((0.05, 0.3)),
        strays=rng.choice((0.0, 0.05, 0.3)),
        rubbish=rng.choice((0.0, 0.01, 0.2)),
        untimely=rng.choice((0.0, 0.05, 0.3)),
        clock_ms=rng.choice((0, 0, 0, -7_200_000)),
    )
    rate = rng.choice((20.0, 60.0, 150.0)) * (0.3 if shape.impressions[0] >= 50 else 1.0)
    steps = [_step(rng, rng.uniform(0, 0.8 * seconds)) for _ in range(rng.randint(*FAULTS))]
    return Schedule(seed, seconds, rate, shape, sorted(steps))


def _step(rng: Random, at: float) -> Step:
    kind = rng.choices(
        ("kill", "failpoint", "pause", "terminate", "join", "leave", "wipe", "down", "cut"),
        (4, 8, 3, 1, 3, 1, 1, 2, 2),
    )[0]
    detail, number = "", 0.0
    match kind:
        case "kill":
            target = rng.choice((*MEMBERS, "worker-0", "sink-0", "kafka", "clickhouse"))
        case "failpoint":
            detail = rng.choice([each for each in Failpoint if not each.startswith("clickhouse.")])
            target, number = f"{detail.split('.')[0]}-{rng.choice((0, 0, 1))}", rng.randint(1, LATEST_HIT)
        case "pause":
            target, number = rng.choice((*MEMBERS, "kafka", "clickhouse")), rng.choice(PAUSES)
        case "terminate":
            target = rng.choice(MEMBERS)
        case "join" | "leave":
            target = rng.choice(("worker-1", "worker-1", "sink-1"))
        case "wipe":
            target = "worker-0"
        case "down":
            target, number = rng.choice(("clickhouse", "worker-0", "sink-0")), rng.uniform(1, 8)
        case _:
            detail = rng.choice((Failpoint.CLICKHOUSE_RECEIVED, Failpoint.CLICKHOUSE_STORED))
            target, number = "clickhouse", rng.randint(1, LATEST_HIT)
    return Step(at, kind, target, detail, number)


class Player:
    """Plays a schedule on a system. `played` has what really happened: no step on a process that wasn't running, and no
    failpoint that wasn't reached."""

    def __init__(self, system: System, schedule: Schedule) -> None:
        self._system, self._schedule = system, schedule
        # A heap of (time, number, action); the number keeps actions that are due at the same time in order.
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._armed: dict[Path, str] = {}
        self.played: list[str] = []

    def run(self) -> Verdict:
        """Run the load and the faults; heal; return the verdict."""
        schedule, system = self._schedule, self._system
        with system.traffic(Random(schedule.seed), schedule.shape, schedule.rate):
            begun = time.monotonic()
            for step in schedule.steps:
                self._at(step.at, partial(self._play, step))
            while self._due or time.monotonic() - begun < schedule.seconds:
                while self._due and self._due[0][0] <= time.monotonic() - begun:
                    heappop(self._due)[2]()
                system.keeper.check()
                let_pass(0.05)
            system.heal()
            self._collect()
            system.oracle.reset()
            system.flows()
        return system.verdict()

    def _play(self, step: Step) -> None:
        keeper, system = self._system.keeper, self._system
        if step.kind == "join":
            kind, index = step.target.split("-")
            if step.target in keeper:
                return
            system.add(kind, int(index))
        elif step.kind in ("failpoint", "cut"):
            self._collect()
            action = Action.KILL if step.kind == "failpoint" else Action.CUT
            fired = system.arm(Failpoint(step.detail), step.target, action, hit=int(step.number))
            self._armed[fired] = str(step)
            return
        elif not keeper.is_up(step.target):
            return
        else:
            self._hurt(step)
        self.played.append(str(step))

    def _collect(self) -> None:
        """Add the failpoints that have acted to `played`."""
        for fired in [each for each in self._armed if each.exists()]:
            self.played.append(self._armed.pop(fired))

    def _hurt(self, step: Step) -> None:
        keeper, name = self._system.keeper, step.target
        match step.kind:
            case "kill":
                keeper.kill(name)
            case "pause":
                keeper.signal(name, signal.SIGSTOP)
                self._at(step.at + step.number, partial(keeper.resume, name))
            case "terminate":
                keeper.signal(name, signal.SIGTERM)
            case "leave":
                keeper.remove(name)
            case "wipe":
                with keeper.held(name):
                    keeper.kill(name)
                    shutil.rmtree(self._system.settings.data_dir / "state" / name, ignore_errors=True)
            case "down":
                keeper.hold(name)
                keeper.kill(name)
                self._at(step.at + step.number, partial(keeper.release, name))

    def _at(self, at: float, what: Callable[[], None]) -> None:
        heappush(self._due, (at, next(self._numbers), what))
