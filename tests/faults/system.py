"""The whole system as real processes in its own folder, to inject faults into and check with the oracle."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException
from itertools import islice
from pathlib import Path
from random import Random
from urllib.parse import urlencode
from urllib.request import urlopen

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient

from oracle import Oracle, Rules, Verdict
from oracle.log import ends
from streams.clickhouse.client import connect
from streams.embedded import stack
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from streams.provision.run import provision
from streams.runtime.failpoints import Action, Armed, Failpoint
from streams.settings import Settings
from tests.faults.keeper import Keeper
from tests.faults.traffic import RATE, USERS, Traffic
from tests.support import load
from tests.support.load import PARTITIONS, USUAL, Shape
from tests.support.program import MemberProcess, command
from tests.support.stack import produce_catalogue, stack_settings
from tests.support.wait import until

SOURCE = "impressions.v1"
ACCEPTED, LEDGER, REJECTED = OUTPUTS = ("impressions.accepted.v1", "impressions.ledger.v1", "impressions.rejected.v1")
# Few records per transaction and few rows per block, so a fault nearly always hits one.
CHUNK_RECORDS, FLUSH_ROWS, FLUSH_SECONDS = 20, 1_000, 0.2
# The shortest session that doesn't expire on a busy machine; a zombie must sleep for longer.
SESSION_SECONDS = 6.0
# The limit of waits, which end early if the system works; the longest are those for a broker that hung.
SECONDS = 120.0
# A server that was stopped by SIGSTOP doesn't answer.
ANSWER_SECONDS = 5.0
# The watchdog ends a process that hangs after twice this time, which must fit into SECONDS; the default is a minute.
STALL_SECONDS = 20.0
# I5: how long nothing more may arrive while everything runs. A silent group member is replaced within a session, and a
# sink that waits for ClickHouse retries within ten seconds.
STALLED_SECONDS = 45.0


@dataclass(frozen=True)
class Commands:
    """The programs to run as worker, sink and collector: the project's own, or a control with a known defect."""

    worker: Sequence[str] = command("worker")
    sink: Sequence[str] = command("sink")
    collector: Sequence[str] = command("collector")


OURS = Commands()


class System:
    """A broker, a ClickHouse, a worker and a sink; more workers and sinks, and collectors, on demand."""

    def __init__(self, settings: Settings, commands: Commands = OURS) -> None:
        self.settings = settings
        self._commands = commands
        self.keeper = Keeper(settings)
        host, port = settings.clickhouse_address
        rules = Rules(settings.window_ms, settings.lateness_ms, settings.tolerance_ms)
        self.oracle = Oracle(settings.kafka_bootstrap, host, port, rules)
        self._traffics = 0
        # Closed after the processes.
        self.resources = ExitStack()

    def begin(self) -> None:
        """Produce the catalogue, and start a worker and a sink; the servers are provisioned."""
        produce_catalogue(self.settings, catalogue())
        for kind in ("worker", "sink"):
            self.add(kind, 0)
        self.heal()

    # Programs

    def add(self, kind: str, index: int, *argv: str, **changes: object) -> MemberProcess:
        """Start another worker, sink or collector, by another command or with changed settings; keep it running."""
        usual: Sequence[str] = getattr(self._commands, kind)
        settings = self.settings.model_copy(update=changes)
        return self.keeper.add(MemberProcess(kind, settings, index, argv or usual))

    def replace(self, name: str, *argv: str, **changes: object) -> MemberProcess:
        """Stop a worker or sink, and start it by another command or with changed settings, or without the changes."""
        kind, index = name.split("-")
        self.keeper.remove(name)
        return self.add(kind, int(index), *argv, **changes)

    def change_lateness(self, seconds: int) -> None:
        """Restart all workers with another lateness, which holds from now on. Nothing may be produced meanwhile."""
        self.catch_up()
        workers = [each for each in self.keeper.programs() if each.kind == "worker"]
        for each in workers:
            self.keeper.remove(each.name)
        self.settings = self.settings.model_copy(update={"lateness_seconds": seconds})
        self.oracle.change_lateness(load.now_ms(), self.settings.lateness_ms)
        for each in workers:
            self.add("worker", each.index)
        self.heal()

    def states(self) -> list[Path]:
        """Return every folder of local state, also those of workers that are gone."""
        return sorted((self.settings.data_dir / "state").glob("worker-*/partition-*"))

    # Failpoints

    def arm(self, failpoint: Failpoint, process_name: str, action: Action = Action.KILL, **how: object) -> Path:
        """Arm a failpoint of a process; return the file that exists once it has acted."""
        assert self.settings.failpoints_dir is not None
        folder = self.settings.failpoints_dir / process_name
        folder.mkdir(parents=True, exist_ok=True)
        fired = folder / f"{failpoint}.fired"
        fired.unlink(missing_ok=True)
        fresh = folder / "fresh"
        fresh.write_text(Armed.model_validate({"action": action, **how}).model_dump_json())
        fresh.rename(folder / failpoint)
        return fired

    def disarm(self) -> None:
        """Disarm every failpoint that has not acted."""
        assert self.settings.failpoints_dir is not None
        for file in self.settings.failpoints_dir.glob("*/*"):
            if file.suffix != ".fired":
                file.unlink(missing_ok=True)

    def wait_fired(self, fired: Path) -> None:
        """Return once a failpoint has acted."""
        self.until(fired.exists, f"{fired.name} of {fired.parent.name}")

    # Work

    @contextmanager
    def traffic(self, rng: Random, shape: Shape = USUAL, rate: float = RATE, users: str = "") -> Iterator[Traffic]:
        """Let impressions flow during the body, which starts once they reach ClickHouse.

        They are of new users, unless `users` names some: the same name always gives the same users.
        """
        self._traffics += 1
        with Traffic(self.settings, rng, users or f"t{self._traffics}", shape, rate).flowing() as traffic:
            self.flows()
            yield traffic

    def ends(self) -> dict[str, int]:
        """Return the sum of the end offsets of the source and of each topic of rows."""
        sums = {}
        for topic in (SOURCE, *OUTPUTS):
            places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
            sums[topic] = sum(ends(self.admin, places, IsolationLevel.READ_UNCOMMITTED).values())
        return sums

    def decided(self) -> int:
        """Return the sum of the end offsets of the ledger's topic; it grows with every committed chunk."""
        places = [TopicPartition(LEDGER, partition) for partition in range(PARTITIONS)]
        return sum(ends(self.admin, places, IsolationLevel.READ_COMMITTED).values())

    def stored(self) -> int:
        """Return how many lines readers see; -1 while ClickHouse doesn't answer."""
        # A bare request: a client's first queries cost more than this one, which is sent twenty times a second.
        ask = urlencode({"user": "reader", "query": f"SELECT count() FROM {self.settings.clickhouse_database}.ledger"})
        with (
            suppress(OSError, HTTPException),
            urlopen(f"{self.settings.clickhouse_url}/?{ask}", None, ANSWER_SECONDS) as answer,
        ):
            return int(answer.read())
        return -1

    def write(self, sql: str) -> None:
        """Run a statement in ClickHouse as the writer."""
        with connect(self.settings) as client:
            client.command(sql)

    @cached_property
    def admin(self) -> AdminClient:
        """The Kafka admin client."""
        config = {"reconnect.backoff.max.ms": 500, "log_level": 0}
        return AdminClient({"bootstrap.servers": self.settings.kafka_bootstrap, **config})

    def wait_no_members(self, group: str) -> None:
        """Return once a group is empty: a dead static member stays in it until its session ends."""

        def empty() -> bool:
            return not self.admin.describe_consumer_groups([group])[group].result(SECONDS).members

        self.until(empty, f"{group} has no member")

    def fill(self, rng: Random, records: int) -> None:
        """Produce that many records; return once the broker has them."""
        self._traffics += 1
        load.produce(self.settings, islice(load.load(rng, f"t{self._traffics}", float("inf"), USERS), records))

    def works(self, offsets: int = 20) -> None:
        """Return once the worker has committed more chunks."""
        goal = self.decided() + offsets
        self.until(lambda: self.decided() >= goal, "the worker decides")

    def flows(self, lines: int = 40) -> None:
        """Return once readers see more lines."""
        before = self.stored()
        self.until(lambda: self.stored() >= before + lines, "impressions reach ClickHouse")

    def until(self, condition: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
        """Wait for a condition; raise at once if the keeper or a program has failed."""

        def checked() -> object:
            self.keeper.check()
            return condition()

        until(checked, seconds, what)

    # Verdict

    def heal(self) -> None:
        """Undo the faults: return once everything runs, with no failpoint armed."""
        self.disarm()
        self.keeper.heal()

    def catch_up(self) -> None:
        """Return once everything that was produced has arrived. Raises AssertionError if it doesn't (I5)."""
        assert self.oracle.wait(STALLED_SECONDS, self.keeper.check), "not all of it has arrived"

    def forget_servers(self) -> None:
        """Use new clients from now on: the servers are others now, at the same addresses."""
        self.oracle.reset()
        self.__dict__.pop("admin", None)

    def verdict(self) -> Verdict:
        """Heal, wait until everything has arrived (I5), and return the verdict. Raises AssertionError for I5."""
        self.heal()
        arrived = self.oracle.wait(STALLED_SECONDS, self.keeper.check)
        verdict = self.oracle.check(self.states())
        assert arrived or not verdict.ok, "the counts don't agree, but everything is there"
        self.keeper.check()
        return verdict

    def close(self) -> None:
        """Kill every program."""
        self.keeper.close()
        self.oracle.close()
        end_all(self.settings)
        self.resources.close()


def fault_settings(folder: Path, **more: object) -> Settings:
    """Return settings for a system to inject faults into."""
    return stack_settings(
        folder,
        **{
            "session_timeout_seconds": SESSION_SECONDS,
            "stall_seconds": STALL_SECONDS,
            "chunk_records": CHUNK_RECORDS,
            "sink_flush_rows": FLUSH_ROWS,
            "sink_flush_seconds": FLUSH_SECONDS,
            "failpoints_dir": folder / "failpoints",
            **more,
        },
    )


def catalogue(shift: int = 0) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield the records of the load's artworks; each has the ordinal that usually is that of `shift` artworks later."""
    ordinals = ((n + shift) % load.ARTWORKS for n in range(load.ARTWORKS))
    return ((f"a{n:04d}", {"pool_id": "main", "ordinal": ordinal}) for n, ordinal in enumerate(ordinals))


def end_all(settings: Settings) -> None:
    """Kill every process of a system."""
    folder = RunFolder(settings.data_dir)
    for name in folder.recorded():
        Program(name, folder).stop(0.0)


@contextmanager
def running_system(settings: Settings, commands: Commands = OURS, bare: bool = False) -> Iterator[System]:
    """Run a system; after the body kill everything, and leave the folder as it is.

    A bare one has only the servers, and nothing is provisioned: the body must do that, and call `begin`.
    """
    try:
        stack.up(settings, ["kafka", "clickhouse"], out=lambda _: None)
        system = System(settings, commands)
        try:
            system.keeper.start()
            if not bare:
                provision(settings, False, lambda _: None)
                system.begin()
            yield system
        finally:
            system.close()
    finally:
        end_all(settings)
