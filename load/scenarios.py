"""The runs, one after the other on one stack: what is played, what is disturbed meanwhile, what came of it."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from rich.console import Console

from bench.end_to_end.steps import next_rate
from demo.progress import progress
from demo.screen import line_printer
from load import stack
from load.check import compare
from load.disturb import Disturber, kill, restart
from load.generator import Generator
from load.machine import Machine, Pids
from load.outcome import Outcome, outcome
from load.proxy import NAME as PROXY
from load.proxy import ProxyError, caddy, proxying
from load.received import Received
from load.stack import COLLECTOR, OTHER_COLLECTOR, SERVERS
from load.users.plan import Plan, fewest_artworks
from streams.embedded import stack as embedded
from streams.embedded.ports import Address
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from streams.settings import Settings

GENERATOR = "generator"
# The first scenario is the same whatever the options say.
FEW_USERS, FEW_IMPRESSIONS, FEW_SECONDS = 100, 5_000, 60.0
# Users whose coverage and unseen artworks are read: enough for a P95 of some hundred, and no load of its own.
WATCHED = 20
# Artworks that any search for the highest rate needs in half a minute, on the machines that it was made for.
ARTWORKS = 2_000


@dataclass(frozen=True, slots=True)
class Step:
    """A rate of the search (impressions a minute), and what came of it."""

    rate: float
    outcome: Outcome

    @property
    def held(self) -> bool:
        """Whether recording held its target at that rate."""
        return self.outcome.held


class Runs:
    """Plays plans on a stack that is up."""

    def __init__(self, ours: Settings, options: argparse.Namespace, console: Console, artworks: int) -> None:
        self.ours, self.options = ours, options
        self.say = line_printer(console)
        self._console, self._artworks, self._number = console, artworks, 0

    def plan(self, users: int, impressions: int, seconds: float) -> Plan:
        """Return a plan for users that no other run has."""
        self._number += 1
        return Plan(
            url=stack.address(self.ours),
            prefix=f"r{self._number}-",
            users=users,
            impressions=impressions,
            seconds=seconds,
            artworks=self._artworks,
            ledger=str(self.ours.data_dir / "users" / f"run-{self._number}.ledger"),
            pool=stack.POOL,
            flush_seconds=self.options.flush,
            watched=min(WATCHED, users),
            seed=self.options.seed + self._number,
        )

    def play(self, title: str, plan: Plan, disturber: Disturber | None = None, others: tuple[str, ...] = ()) -> Outcome:
        """Play a plan, wait for all of it in ClickHouse, compare; `others`: programs to watch beside the usual."""
        self.say(f"{title}: {plan.users:,} users, {plan.impressions:,} impressions in {plan.seconds:.0f} s")
        log = self.ours.data_dir / "log" / f"{GENERATOR}.log"
        with Generator(plan, log) as generator:
            pids: Pids = {
                **{name: self._pid(name) for name in (*SERVERS, COLLECTOR, *others)},
                GENERATOR: lambda: generator.pid,
            }
            with Machine(pids) as machine, disturber or nullcontext(), self._progress("acknowledged") as update:
                ledger = generator.follow(update)
        if disturber is not None:
            disturber.finish()
            for event in disturber.events:
                self.say(f"    {event}")
        with closing(Received(self.ours)) as received:
            with self._progress("records in ClickHouse") as update:
                received.wait(update, self._alive)
            prefix = plan.prefix
            verdict = compare(plan, ledger, received.rows(prefix), received.lines(prefix), received.seen(prefix))
            found = outcome(plan, ledger, verdict, received.packing(prefix), machine.used())
        return replace(found, events=disturber.events) if disturber is not None else found

    @contextmanager
    def _progress(self, unit: str) -> Iterator[Callable[[int, int], None]]:
        with progress(self._console, f"    {unit}") as update:
            yield update

    def _alive(self) -> None:
        """Raise UserError, which names its log, if a program that must run has ended."""
        for name in SERVERS:
            Program(name, RunFolder(self.ours.data_dir)).stays(0)

    def _pid(self, name: str) -> Callable[[], int | None]:
        return lambda: Program(name, RunFolder(self.ours.data_dir)).pid


def few(runs: Runs) -> Outcome:
    """100 users see 5,000 artworks within a minute."""
    return runs.play("a hundred users", runs.plan(FEW_USERS, FEW_IMPRESSIONS, FEW_SECONDS))


def rate(runs: Runs) -> Outcome:
    """All users, at the wanted rate, for as long as wanted."""
    return runs.play("the crowd", _crowd(runs, runs.options.rate, runs.options.duration))


def highest(runs: Runs, base: float) -> list[Step]:
    """Search for the highest rate (impressions a minute) that recording holds; the first try is twice the `base`."""
    steps: list[Step] = []
    while len(steps) < runs.options.steps and (tried := next_rate(steps, base)) is not None:
        plan = _crowd(runs, tried, runs.options.step_seconds)
        if fewest_artworks(plan.impressions, plan.users) > plan.artworks:
            runs.say("the search ends: users would run out of artworks")
            break
        steps.append(Step(tried, runs.play(f"{tried:,.0f} a minute", plan)))
        runs.say(f"    P95 {steps[-1].outcome.recording.p95:,.1f} ms, {'held' if steps[-1].held else 'not held'}")
    return steps


def kills(runs: Runs) -> Outcome:
    """The collector is killed and started again every so often."""
    plan = _crowd(runs, runs.options.rate, runs.options.disturbed_seconds)
    return runs.play("collector killed", plan, _disturber(runs, kill, [COLLECTOR]))


def rolling(runs: Runs, settings: Settings) -> Outcome:
    """Two collectors behind a proxy are replaced in turn. Raises ProxyError if the proxy can't be built."""
    program = caddy(settings.data_dir.resolve() / "tools", runs.say)
    collectors = [Address(stack.HOST, runs.ours.collector_port + number) for number in range(2)]
    embedded.up(runs.ours, [OTHER_COLLECTOR], out=lambda _line: None)
    try:
        with proxying(runs.ours, program, collectors) as url:
            plan = replace(_crowd(runs, runs.options.rate, runs.options.disturbed_seconds), url=url)
            disturber = _disturber(runs, restart, [COLLECTOR, OTHER_COLLECTOR])
            return runs.play("rolling restart", plan, disturber, (OTHER_COLLECTOR, PROXY))
    finally:
        Program(OTHER_COLLECTOR, RunFolder(runs.ours.data_dir)).stop()


def catalogue_size(options: argparse.Namespace) -> int:
    """Return how many artworks no run, but for a search that finds a very high rate, can exhaust."""
    wanted = [(FEW_IMPRESSIONS, FEW_USERS)]
    wanted += [(_impressions(options.rate, seconds), options.users) for seconds in _lasting(options)]
    return max(ARTWORKS, *(fewest_artworks(impressions, users) for impressions, users in wanted))


def _lasting(options: argparse.Namespace) -> tuple[float, float]:
    return options.duration, options.disturbed_seconds


def _crowd(runs: Runs, per_minute: float, seconds: float) -> Plan:
    return runs.plan(runs.options.users, _impressions(per_minute, seconds), seconds)


def _impressions(per_minute: float, seconds: float) -> int:
    return max(1, round(per_minute * seconds / 60))


def _disturber(runs: Runs, step: Any, names: list[str]) -> Disturber:
    return Disturber(runs.ours, step, names, runs.options.every, runs.options.disturbed_seconds)


# By the names that the command line takes, and that the results have; in the order in which they are played.
SCENARIOS = ("few", "rate", "highest", "kills", "rolling")


def play(name: str, runs: Runs, settings: Settings, held: bool) -> dict[str, Any]:
    """Play a scenario; return its figures, with `right`. `held`: whether the wanted rate is known to be held."""
    if name == "highest":
        base = runs.options.rate if held else runs.options.rate / 4
        steps = highest(runs, base)
        tried = [{"rate": step.rate, "held": step.held, "outcome": step.outcome.as_json()} for step in steps]
        return {"base": base, "steps": tried, "right": all(step.outcome.verdict.right for step in steps)}
    plays: dict[str, Callable[[Runs], Outcome]] = {
        "few": few,
        "rate": rate,
        "kills": kills,
        "rolling": partial(rolling, settings=settings),
    }
    try:
        found = plays[name](runs)
    except ProxyError as error:
        return {"missing": str(error), "right": True}
    return {"outcome": found.as_json(), "right": found.verdict.right}
