"""What is shown, computed from the answers of all processes now and some seconds ago."""

import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce

from streams.kafka.names import ACCEPTED
from streams.top.problems import problems
from streams.top.samples import Samples
from streams.top.target import Answer

# Rates are those of this many seconds, so that a number can be read before it changes.
WINDOW_SECONDS = 10.0
OUTCOMES = ("fresh", "repeat", "duplicate", "rejected", "forwarded")
NOTHING = Samples({})
# How many values of the rate are kept to be drawn.
HISTORY = 60


@dataclass(frozen=True)
class Process:
    """A worker or sink. Rates per second; `lag` in offsets and seconds, of its worst partition."""

    name: str
    kind: str
    state: str
    rate: float | None = None
    lag: float = 0.0
    lag_seconds: float = 0.0
    errors: float | None = None
    cpu: float | None = None
    memory: float = 0.0
    up_seconds: float = 0.0


@dataclass(frozen=True)
class Part:
    """A partition: how far the worker, and the sink, are from its end (offsets, seconds); None where nobody says."""

    number: str
    worker: tuple[float, float] | None
    sink: tuple[float, float] | None

    @property
    def behind(self) -> float:
        """Return how far the slower of them is behind (s)."""
        return max(side[1] for side in (self.worker, self.sink) if side is not None)


@dataclass(frozen=True)
class PoolFigures:
    """A pool. `coverage` is the mean of recently active users. None is what no worker, or no sink, says."""

    name: str
    artworks: float | None
    users: float | None
    active: float | None
    coverage: float | None
    exhausted: float | None


@dataclass(frozen=True)
class Figures:
    """Everything that is shown. Rates are None until there are two answers to compare."""

    at: float  # s since the epoch
    seconds: float  # what rates are of
    processes: Sequence[Process]
    problems: Sequence[str]
    received: tuple[float | None, float]  # per second, and since the workers' starts
    outcomes: dict[str, tuple[float | None, float]]
    reasons: dict[str, float]  # rejected per second
    decided: tuple[float | None, float | None]  # from append to commit: median and 95th percentile (s)
    readable: tuple[float | None, float | None]  # from append to ClickHouse, likewise
    errors: float | None  # failed requests to ClickHouse per second
    parts: Sequence[Part]
    pools: Sequence[PoolFigures]
    history: Sequence[float] = field(default_factory=tuple)  # received per second, oldest first

    @property
    def answered(self) -> int:
        """Return how many processes answered."""
        return sum(bool(process.kind) for process in self.processes)


class Watch:
    """Keeps the answers of the last seconds."""

    def __init__(self) -> None:
        self._rounds: deque[dict[str, Answer]] = deque()
        self._history: deque[float] = deque(maxlen=HISTORY)

    def figures(self, answers: Iterable[Answer]) -> Figures:
        """Return the figures of a round of answers, compared with the oldest within WINDOW_SECONDS."""
        now = {answer.target.name: answer for answer in answers}
        self._rounds.append(now)
        newest = max((answer.at for answer in now.values()), default=0.0)
        while len(self._rounds) > 2 and newest - _began(self._rounds[1]) >= WINDOW_SECONDS:
            self._rounds.popleft()
        earlier = self._rounds[0] if len(self._rounds) > 1 else {}
        made = _figures(now, earlier)
        grown, seconds = _grown(now, self._rounds[-2] if earlier else {}, "worker")
        if seconds:
            self._history.append(grown.total("impressions_worker_received_total") / seconds)
        return Figures(**{**vars(made), "history": tuple(self._history)})


def _began(answers: dict[str, Answer]) -> float:
    return min((answer.at for answer in answers.values()), default=0.0)


def _figures(now: dict[str, Answer], earlier: dict[str, Answer]) -> Figures:
    workers = _sum(now.values(), "worker")
    grown, seconds = _grown(now, earlier, "worker")
    inserted, sink_seconds = _grown(now, earlier, "sink")

    def rate(name: str, **labels: str) -> float | None:
        return grown.total(name, **labels) / seconds if seconds else None

    def latency(samples: Samples, name: str, **labels: str) -> tuple[float | None, float | None]:
        return samples.quantile(name, 0.5, **labels), samples.quantile(name, 0.95, **labels)

    outcomes = "impressions_worker_impressions_total"
    received = "impressions_worker_received_total"
    return Figures(
        at=time.time(),
        seconds=seconds,
        processes=[_process(answer, earlier.get(name)) for name, answer in now.items()],
        problems=problems(list(now.values()), earlier),
        received=(rate(received), workers.total(received)),
        outcomes={each: (rate(outcomes, outcome=each), workers.total(outcomes, outcome=each)) for each in OUTCOMES},
        reasons={
            reason: count / seconds
            for reason, count in grown.by("impressions_worker_rejected_total", "reason").items()
            if count and seconds
        },
        decided=latency(grown, "impressions_worker_latency_seconds"),
        readable=latency(inserted, "impressions_sink_latency_seconds", topic=ACCEPTED),
        errors=inserted.total("impressions_sink_errors_total") / sink_seconds if sink_seconds else None,
        parts=_parts(now.values()),
        pools=_pools(now.values()),
    )


def _sum(answers: Iterable[Answer], kind: str) -> Samples:
    return reduce(Samples.plus, (each.samples for each in answers if each.samples and each.kind == kind), NOTHING)


def _grown(now: dict[str, Answer], earlier: dict[str, Answer], kind: str) -> tuple[Samples, float]:
    """Return how much the processes' counters have grown, and in how many seconds; 0 s if nothing can be compared."""
    both = [
        (answer, before)
        for name, answer in now.items()
        if answer.kind == kind and (before := earlier.get(name)) is not None and before.samples and answer.samples
    ]
    grown = [answer.samples.since(before.samples) for answer, before in both if answer.samples and before.samples]
    seconds = max((answer.at - before.at for answer, before in both), default=0.0)
    return reduce(Samples.plus, grown, NOTHING), seconds


def _process(answer: Answer, before: Answer | None) -> Process:
    name = answer.target.name
    samples = answer.samples
    if samples is None:
        return Process(name, "", "no answer")
    kind = answer.kind
    stalled = samples.most(f"impressions_{kind}_stalled")
    state = "stalled" if stalled else "not ready" if answer.not_ready else "ready"
    grown, seconds = _grown({name: answer}, {} if before is None else {name: before}, kind)
    work = "impressions_worker_received_total" if kind == "worker" else "impressions_sink_rows_total"
    failed = ("impressions_worker_poisoned_lines_total", "impressions_sink_errors_total")
    return Process(
        name,
        kind,
        state,
        rate=grown.total(work) / seconds if seconds else None,
        lag=samples.most(f"impressions_{kind}_lag"),
        lag_seconds=samples.most(f"impressions_{kind}_lag_seconds"),
        errors=sum(map(grown.total, failed)) / seconds if seconds else None,
        cpu=grown.total("process_cpu_seconds_total") / seconds if seconds else None,
        memory=samples.most("process_resident_memory_bytes"),
        up_seconds=max(0.0, time.time() - samples.most("process_start_time_seconds")),
    )


def _parts(answers: Iterable[Answer]) -> list[Part]:
    sides: dict[str, dict[str, tuple[float, float]]] = {"worker": {}, "sink": {}}
    for answer in answers:
        if answer.samples is None:
            continue
        # The sink's is that of all topics: the worst of them.
        lag = answer.samples.by(f"impressions_{answer.kind}_lag", "partition")
        behind = answer.samples.by(f"impressions_{answer.kind}_lag_seconds", "partition")
        for number, offsets in lag.items():
            sides[answer.kind][number] = offsets, behind.get(number, 0.0)
    numbers = sorted({*sides["worker"], *sides["sink"]}, key=lambda number: (len(number), number))
    return [Part(number, sides["worker"].get(number), sides["sink"].get(number)) for number in numbers]


def _pools(answers: Iterable[Answer]) -> list[PoolFigures]:
    """Return the pools, those with most artworks first. Every sink says the same of all users."""
    names = {
        "artworks": "impressions_pool_artworks",
        "users": "impressions_kpi_users",
        "active": "impressions_kpi_active_users",
        "fresh": "impressions_kpi_freshness_ratio",
        "exhausted": "impressions_kpi_exhausted_ratio",
    }
    found: dict[str, dict[str, float]] = {key: {} for key in names}
    for answer in answers:
        for key, name in names.items() if answer.samples else ():
            found[key] |= answer.samples.by(name, "pool") if answer.samples else {}
    pools = [
        PoolFigures(
            pool,
            found["artworks"].get(pool),
            found["users"].get(pool),
            found["active"].get(pool),
            1 - found["fresh"][pool] if pool in found["fresh"] else None,
            found["exhausted"].get(pool),
        )
        for pool in {**found["artworks"], **found["users"]}
    ]
    return sorted(pools, key=lambda pool: (-(pool.artworks or 0), pool.name))
