"""Random schedules: a load and a few faults at random times, all drawn from a seed before anything runs."""

from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from streams.runtime.failpoints import Failpoint
from tests.faults.rows_lost import TABLES
from tests.faults.stranger import Ending
from tests.faults.system import SESSION_SECONDS
from tests.support.load import PARTITIONS, Shape

# A seed means another schedule in another version. Version 1 drew faults of processes only: "seed 17" of a report of
# that time is not this one's.
VERSION = 2
# Long enough (s) for a zombie's session to end and its successor to work.
LOAD_SECONDS = (10.0, 20.0)
FAULTS = (3, 8)
MEMBERS = ("worker-0", "worker-1", "sink-0", "sink-1")
# How long a process is stopped (s): within its session, around its end, well past it.
PAUSES = (1.0, SESSION_SECONDS, 1.7 * SESSION_SECONDS)
LATEST_HIT = 6
# Lateness (h) by which each impression of the load is judged as by the usual one: they are younger than 9 h, or older
# than 47 h.
LATENESS_HOURS = (10, 24, 40)
# How many records a chunk may have.
CHUNKS = (1, 20, 500)
# Records built to hurt, and how much of each: lines, MiB, flushes.
HURTFUL = {"line feeds": 100_000, "one line": 24, "full flushes": 40}
# How often each kind of fault is drawn.
KINDS = {
    "kill": 4,
    "failpoint": 8,
    "pause": 3,
    "terminate": 1,
    "join": 3,
    "leave": 1,
    "wipe": 1,
    "down": 2,
    "cut": 2,
    "lateness": 1,
    "chunks": 1,
    "hurtful": 2,
    "transaction": 2,
    "drop": 2,
    "provision": 2,
}


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
    rng = Random(f"{VERSION} {seed}")
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
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    target, detail, number = "", "", 0.0
    match kind:
        case "kill":
            target = rng.choice((*MEMBERS, "worker-0", "sink-0", "kafka", "clickhouse"))
        case "failpoint":
            detail = rng.choice([each for each in Failpoint if each.startswith(("worker.", "sink."))])
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
        case "cut":
            detail = rng.choice((Failpoint.CLICKHOUSE_RECEIVED, Failpoint.CLICKHOUSE_STORED))
            target, number = "clickhouse", rng.randint(1, LATEST_HIT)
        case _:
            target, detail, number = _other_than_processes(rng, kind)
    return Step(at, kind, target, detail, number)


def _other_than_processes(rng: Random, kind: str) -> tuple[str, str, float]:
    """Draw target, detail and number of a fault that is not a process's."""
    match kind:
        case "lateness":
            return rng.choice(("worker-0", "worker-1")), "", rng.choice(LATENESS_HOURS)
        case "chunks":
            return rng.choice(("worker-0", "worker-1")), "", rng.choice(CHUNKS)
        case "hurtful":
            detail = rng.choice(list(HURTFUL))
            return str(rng.randrange(PARTITIONS)), detail, rng.randint(HURTFUL[detail] // 8, HURTFUL[detail])
        case "transaction":
            return "stranger", rng.choice(list(Ending)), rng.choice((0.5, SESSION_SECONDS))
        case "drop":
            return rng.choice(TABLES), "", rng.uniform(0, 4)
        case _:
            return "provision", "", rng.randint(1, 3)
