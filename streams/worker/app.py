"""The worker: the one place where Faust is put together."""

import asyncio
import gc
import sys
from typing import Any, cast

import faust
from faust.sensors.prometheus import setup_prometheus_sensors
from faust.types import TP

from streams.kafka.names import IMPRESSIONS, WORKER_GROUP
from streams.kafka.topic_ids import Sources
from streams.metrics import catalogue as metrics
from streams.runtime import failpoints, health, log
from streams.runtime.exit import end_process
from streams.runtime.failpoints import Failpoint
from streams.runtime.watchdog import Watchdog
from streams.settings import Settings
from streams.state.partition_state import Table
from streams.worker.assignment import Assignment
from streams.worker.catalogue import CatalogueFollower
from streams.worker.faust.agent import decide_chunks
from streams.worker.faust.consumer import ChunkConsumer
from streams.worker.faust.credentials import credentials
from streams.worker.faust.recovery import StateTableManager
from streams.worker.faust.tables import StateTable
from streams.worker.lag import worker_lag

logger = log.get(__name__)


class RawChunks(faust.Schema[Any, Any]):
    """Passes chunks through: a decode error of Faust's would be acknowledged and thrown into the agent (L6)."""

    def compile(self, app: Any, *_: Any, **__: Any) -> Any:
        async def decode(message: Any, *, propagate: bool = False) -> Any:
            return app.create_event(None, message.value, [], message)

        return decode


class ImpressionsApp(faust.App):
    """Faust with our consumer. `assignment` is the partitions that it holds."""

    assignment: Assignment
    _asked_again = False

    def _new_consumer(self) -> ChunkConsumer:
        return ChunkConsumer(
            self.transport,
            callback=self.topics.on_message,
            on_partitions_revoked=self._on_partitions_revoked,
            on_partitions_assigned=self._on_partitions_assigned,
            beacon=self.beacon,
        )

    async def _on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish the chunk that is under way before the partitions are someone else's."""
        await self.assignment.pause()
        failpoints.hit(Failpoint.WORKER_REVOKED)
        await super()._on_partitions_revoked(revoked)

    async def _on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Ask once more when the first answer is: nothing.

        A member by name that comes back is given what it had without a new look, which is nothing if its topic was
        being made again when the group last looked. The group looks again when its leader joins; it then costs one
        rebalance, and a follower's joining costs nothing.
        """
        await super()._on_partitions_assigned(assigned, generation_id)
        if not assigned and not self._asked_again:
            self._asked_again = True
            cast(ChunkConsumer, self.consumer).join_again()


def build(settings: Settings, index: int) -> ImpressionsApp:
    """Put the worker together. Every setting that differs from Faust's default says why."""
    sources = Sources(settings, [IMPRESSIONS])
    partitions = sources.topics[IMPRESSIONS].partitions
    folder = settings.data_dir / "state" / f"worker-{index}"
    folder.mkdir(parents=True, exist_ok=True)
    app = ImpressionsApp(
        WORKER_GROUP,
        broker=[f"kafka://{address}" for address in settings.kafka_bootstrap.split(",")],
        broker_credentials=credentials(settings),
        datadir=folder / "faust",
        topic_partitions=partitions,
        # Faust declares nothing: topics.yaml does, with replicas that Faust's default of 1 would not give (L8).
        topic_allow_declare=False,
        # Its leader election needs a topic of its own, and nothing here has a leader.
        topic_disable_leader=True,
        # Its web server binds 0.0.0.0 and serves the tables to anyone.
        web_enabled=False,
        # Ours: fencing, barrier and read-committed recovery.
        TableManager=StateTableManager,
        store="memory://",
        # Static membership: a worker that comes back within the session has its partitions at once, without a
        # rebalance; by default the next start waits for 60 s until the dead one's session is over.
        consumer_group_instance_id=f"worker-{index}",
        broker_session_timeout=settings.session_timeout_seconds,
        broker_heartbeat_interval=settings.session_timeout_seconds / 3,
        broker_request_timeout=max(40.0, settings.session_timeout_seconds * 2),
        broker_max_poll_records=settings.chunk_records,
        # A hint for the next start and for lag displays, so once a second is often enough.
        broker_commit_interval=1.0,
        # Chunks that wait in the agent's queue: few, so that what arrives while one is being committed becomes
        # one larger chunk and not many small ones.
        stream_buffer_maxsize=4,
        # A revocation waits for commits (Assignment.pause), not for chunks that the agent holds: those wait for the
        # rebalance to end, so that waiting for them, which Faust does by default and without a limit, never ends.
        stream_wait_empty=False,
        # Faust's flight recorder would print the stack of every chunk that waits for a broker which is away.
        stream_processing_timeout=300.0,
        worker_redirect_stdouts=False,
    )
    follower = CatalogueFollower(settings)
    # Faust's own sensor, beside ours. Its events are our chunks, its seconds milliseconds.
    setup_prometheus_sensors(app, registry=metrics.WORKER, name_prefix="faust")
    app.assignment = Assignment(settings, sources, follower.catalogue, folder)
    for table in Table:
        app.tables.add(StateTable(app, table, partitions, app.assignment.states))

    @app.agent(app.topic(IMPRESSIONS, schema=RawChunks()), name="decide")
    async def decide(stream: Any) -> None:
        await decide_chunks(app.assignment, stream, cast(ChunkConsumer, app.consumer).return_to_positions)

    @app.task  # type: ignore[untyped-decorator]
    async def follow_catalogue() -> None:
        follower.follow(asyncio.get_running_loop(), end_process)

    follower.load()
    sources.watch(end_process)
    return app


def _collect_rarely() -> None:
    """Look for cycles less often: a chunk makes a hundred thousand objects, in no cycle, that go when it is committed.

    By default each 700 of them start a search through what is left of the chunk, and now and then through all state:
    a sixth of the worker's time.
    """
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)


def main(settings: Settings, index: int, port: int) -> None:
    """Run worker `index`, its metrics on `port`, until SIGTERM. Never returns; a crash ends with a code above 0."""
    failpoints.enable(settings, f"worker-{index}")
    well = health.Health(metrics.worker_ready)
    health.serve(settings.metrics_host, port, well, metrics.WORKER)
    app = build(settings, index)
    watched = app.assignment.work
    Watchdog(settings.stall_seconds, watched, worker_lag(settings), metrics.worker_stalled, well).start()
    _collect_rarely()
    worker = app.Worker(loglevel="WARNING", redirect_stdouts=False, override_logging=False, quiet=True)
    worker.spinner = None  # it writes terminal codes between the log's lines
    logger.info("worker_starting", index=index)
    worker.execute_from_commandline()
    sys.exit(0)
