"""Plays a random schedule on a system."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from random import Random

from oracle import Verdict
from oracle.progress import CLICKHOUSE_AWAY
from streams.runtime.failpoints import Action, Failpoint
from tests.faults import operate
from tests.faults.rows_lost import drop_newest
from tests.faults.schedule import Schedule, Step
from tests.faults.stranger import Ending, Stranger
from tests.faults.system import SECONDS, System
from tests.faults.traffic import Traffic
from tests.support import hurtful
from tests.support.hurtful import MIB
from tests.support.load import Raw, user_at
from tests.support.wait import let_pass


class Player:
    """Plays a schedule on a system. `played` has what really happened: no step on a process that wasn't running, and no
    failpoint that wasn't reached."""

    def __init__(self, system: System, schedule: Schedule) -> None:
        self._system, self._schedule = system, schedule
        # A heap of (time, number, action); the number keeps actions that are due at the same time in order.
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._armed: dict[Path, str] = {}
        self._strangers: list[Stranger] = []
        self._commands: list[subprocess.Popen[str]] = []
        self.played: list[str] = []

    def run(self) -> Verdict:
        """Run the load and the faults; heal; return the verdict."""
        schedule, system = self._schedule, self._system
        with system.traffic(Random(schedule.seed), schedule.shape, schedule.rate) as traffic:
            begun = time.monotonic()
            for step in schedule.steps:
                self._at(step.at, partial(self._play, step, traffic))
            while self._due or time.monotonic() - begun < schedule.seconds:
                while self._due and self._due[0][0] <= time.monotonic() - begun:
                    heappop(self._due)[2]()
                system.keeper.check()
                let_pass(0.05)
            system.heal()
            self._collect()
            self._end_others()
            system.oracle.reset()
            system.flows()
        return system.verdict()

    def _play(self, step: Step, traffic: Traffic) -> None:
        keeper, system = self._system.keeper, self._system
        if step.kind == "hurtful":
            traffic.also(_record(step))
        elif step.kind in ("transaction", "provision", "drop"):
            if not self._other(step):
                return
        elif step.kind == "join":
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

    def _other(self, step: Step) -> bool:
        """Play a fault that is not a process's; return whether it happened."""
        system = self._system
        match step.kind:
            case "transaction":
                stranger = Stranger(system.settings, Ending(step.detail), step.number)
                stranger.start()
                self._strangers.append(stranger)
            case "provision":
                self._commands += [operate.start(system, step.target) for _ in range(int(step.number))]
            case _:
                return self._drop(step)
        return True

    def _drop(self, step: Step) -> bool:
        """Drop a table's newest rows while no sink runs."""
        keeper = self._system.keeper
        if not keeper.is_up("clickhouse"):
            return False
        dropped = 0
        for sink in [each.name for each in keeper.programs() if each.kind == "sink"]:
            keeper.hold(sink)
            keeper.kill(sink)
            self._at(step.at + step.number, partial(keeper.release, sink))
        # It may have been killed and not be back yet.
        with suppress(*CLICKHOUSE_AWAY):
            dropped = drop_newest(self._system, step.target)
        return dropped > 0

    def _end_others(self) -> None:
        """Wait for what the faults started. Raises AssertionError for a command that ends without a sentence."""
        for stranger in self._strangers:
            stranger.join(SECONDS)
            assert not stranger.is_alive(), "a stranger's transaction hangs"
        for command in self._commands:
            operate.ended("provision", command)

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
            case "lateness" | "chunks":
                keeper.hold(name)
                keeper.kill(name)
                number = int(step.number)
                setting = {"lateness": {"lateness_seconds": number * 3_600}, "chunks": {"chunk_records": number}}
                self._system.replace(name, **setting[step.kind])
            case "down":
                keeper.hold(name)
                keeper.kill(name)
                self._at(step.at + step.number, partial(keeper.release, name))

    def _at(self, at: float, what: Callable[[], None]) -> None:
        heappush(self._due, (at, next(self._numbers), what))


def _record(step: Step) -> Raw:
    """Return the record that a step puts among the load."""
    partition, amount = int(step.target), int(step.number)
    user = user_at(partition, f"hurtful-{step.at:.3f}")
    match step.detail:
        case "line feeds":
            return Raw(partition, hurtful.line_feeds(amount))
        case "one line":
            return Raw(partition, hurtful.long_string(amount * MIB))
        case _:
            return Raw(partition, hurtful.full_flushes(user, amount, "a", artworks=5_000))
