"""The systems: how each is started, what it writes, and what its output is compared with."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from bench.lib.expected import Rule, near, tumbling
from bench.lib.measure import Measured
from bench.lib.topics import topic_names
from bench.peers import common, java, venv
from streams.embedded.components import component
from streams.embedded.ports import LOOPBACK, Address, free_pair
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from streams.kafka.names import ACCEPTED, IMPRESSIONS, changelog
from streams.settings import Settings
from streams.state.partition_state import Table

OURS = "ours"
EXACTLY_ONCE = "exactly_once_v2"
Out = Callable[[str], None]
# Makes what a program needs and doesn't have yet, in the user's data folder, and returns how to start it.
Prepare = Callable[[Settings, Out], Sequence[str]]


@dataclass(frozen=True)
class System:
    """A system under measurement."""

    name: str
    title: str
    prepare: Prepare
    version: Callable[[], str]
    variant: str = ""
    output: str = ""
    """The topic to which it writes what it accepts; empty if it writes nothing."""
    rule: Rule = near
    """What it claims to accept."""
    any_of_a_window: bool = False
    """Whether it keeps one impression of each tumbling window, but not always the first one in the log."""
    rounds: int = 1
    """How often it goes through the backlog, if one pass is too short to measure."""
    whole: bool = True
    """Whether it is measured over the whole backlog, or over a slice because the whole would take too long."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that set it up, in addition to those of every peer."""
    note: str = ""
    """What a reader of the table must know."""
    guarantee: str = "at least once"

    def state(self, settings: Settings) -> Path:
        """Return the folder of its local state."""
        return settings.data_dir / ("state" if self.name == OURS else self.name)

    def internal_topics(self, settings: Settings, before: set[str]) -> set[str]:
        """Return its changelogs and other topics that it created; `before` lists those that existed earlier."""
        if self.name == OURS:
            return {changelog(table) for table in Table}
        return topic_names(settings) - before - {self.output}

    def program(self, settings: Settings, argv: Sequence[str], partitions: int, size: int) -> Measured:
        """Return what to start on the bench's broker; `argv` comes from `prepare`, `size` is impressions per record."""
        if self.name == OURS:
            found = component("worker-0", settings)
            return Measured(found.program, found.address, "impressions_worker_impressions_total")
        port = free_pair()
        variables = {
            "PEER_BOOTSTRAP": settings.kafka_bootstrap,
            "PEER_FOLDER": str(self.state(settings)),
            "PEER_METRICS_PORT": str(port),
            "PEER_PARTITIONS": str(partitions),
            "PEER_INPUT": IMPRESSIONS,
            "PEER_OUTPUT": self.output,
            "PEER_GROUP": self.group,
            "PEER_VARIANT": self.variant,
            "PEER_SIZE": str(size),
            **self.environment,
        }
        program = Program(self.name, RunFolder(settings.data_dir), argv, variables)
        return Measured(program, Address(LOOPBACK, port), common.COUNTER)

    @property
    def group(self) -> str:
        """Return its consumer group."""
        return f"peer-{self.name}"


def _component(_: Settings, __: Out) -> Sequence[str]:
    return ()  # the stack knows how it is started


def _here(module: str, *arguments: str) -> Prepare:
    return lambda _, __: [sys.executable, "-m", module, *arguments]


def _apart(name: str) -> Prepare:
    return lambda settings, out: [venv.python(name, settings, out), "-m", f"bench.peers.{name}.app"]


def _pinned(name: str, package: str) -> Callable[[], str]:
    return lambda: venv.version(name, package)


def _installed(package: str) -> Callable[[], str]:
    return lambda: version(package)


def _all() -> list[System]:
    return [
        System(OURS, "ours", _component, _installed("impression-streams"), output=ACCEPTED, guarantee="exactly once"),
        System(
            "ceiling",
            "ceiling: librdkafka and orjson",
            _here("bench.peers.ceiling"),
            _installed("confluent-kafka"),
            guarantee="-",
            rounds=10,
            note="decides, keeps and writes nothing",
        ),
        *(
            _kafka_streams(guarantee, caching, threads)
            for guarantee in (EXACTLY_ONCE, "at_least_once")
            for caching in ("off", "on")
            for threads in (1, 2)
        ),
        _kafka_streams_documented(EXACTLY_ONCE),
        _kafka_streams_documented("at_least_once"),
        System(
            "pathway",
            "Pathway",
            _apart("pathway"),
            _pinned("pathway", "pathway"),
            output="accepted-pathway",
            any_of_a_window=True,
            environment={"PATHWAY_THREADS": "2"},
            note="one impression of each tumbling window, no coverage in its rows, its input kept instead of its state",
        ),
        System(
            "bytewax",
            "Bytewax",
            _apart("bytewax"),
            _pinned("bytewax", "bytewax"),
            output="accepted-bytewax",
            note="no changelog and no offsets committed, a snapshot of what changed every 10 s",
        ),
        _quix("quix", "Quix Streams", ""),
        _quix("quix-ttl", "Quix Streams, state with ttl", "ttl"),
        System(
            "textbook",
            "Faust, as documented",
            _here("bench.peers.textbook", "worker"),
            _installed("faust-streaming"),
            output="accepted-textbook",
            rule=tumbling,
            whole=False,
            note="a slice of it, CPU time projected; tumbling windows",
        ),
    ]


def _kafka_streams(guarantee: str, caching: str, threads: int) -> System:
    exact = guarantee == EXACTLY_ONCE
    name = f"kafka-streams-{'eos-' if exact else ''}caching-{caching}-{threads}"
    what = f"{'exactly_once_v2, ' if exact else ''}caching {caching}"
    title = f"Kafka Streams, tuned by hand, {what}, {threads} thread{'s' if threads > 1 else ''}"
    return _java(name, title, guarantee, f"caching={caching},threads={threads}")


def _kafka_streams_documented(guarantee: str) -> System:
    exact = guarantee == EXACTLY_ONCE
    name = f"kafka-streams-documented{'-eos' if exact else ''}"
    title = f"Kafka Streams, as documented{', exactly_once_v2' if exact else ''}"
    note = "a window store for rule 2, a set of artworks a user, JSON by Jackson; 1 thread, caching off"
    return _java(name, title, guarantee, "layout=documented,caching=off,threads=1", note)


def _java(name: str, title: str, guarantee: str, variant: str, note: str = "") -> System:
    return System(
        name,
        title,
        java.kafka_streams,
        java.kafka_streams_version,
        variant=f"{variant},guarantee={guarantee}",
        output=f"accepted-{name}",
        guarantee="exactly once" if guarantee == EXACTLY_ONCE else "at least once",
        note=note,
    )


def _quix(name: str, title: str, variant: str) -> System:
    pinned = _pinned("quix", "quixstreams")
    return System(name, title, _apart("quix"), pinned, variant, output=f"accepted-{name}", guarantee="at least once")


SYSTEMS = {system.name: system for system in _all()}
QUICK = [
    "ours",
    "ceiling",
    "kafka-streams-eos-caching-on-1",
    "kafka-streams-caching-off-1",
    "kafka-streams-documented-eos",
    "textbook",
]
KILLED = ["ours", "kafka-streams-eos-caching-on-1", "kafka-streams-caching-off-1", "quix", "textbook"]
