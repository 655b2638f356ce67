"""Assembles the worker: the only place where Faust is configured."""

import asyncio
import gc
import sys
from typing import Any, cast

import faust
from faust.sensors.prometheus import setup_prometheus_sensors
from faust.types import TP

from streams.kafka.admin import admin
from streams.kafka.append_time import require_append_time
from streams.kafka.names import IMPRESSIONS, WORKER_GROUP
from streams.kafka.topic_ids import Sources
from streams.metrics import availability
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
from streams.worker.source_ends import SourceEnds, of_broker

logger = log.get(__name__)


class RawChunks(faust.Schema[Any, Any]):
    """Passes chunks through: Faust would acknowledge a decode error and throw it into the agent (L6)."""

    def compile(self, app: Any, *_: Any, **__: Any) -> Any:
        async def decode(message: Any, *, propagate: bool = False) -> Any:
            return app.create_event(None, message.value, [], message)

        return decode


class ImpressionsApp(faust.App):
    """Faust with our consumer. `assignment` holds its partitions."""

    assignment: Assignment
    _asked_again = False

    def use(self, assignment: Assignment) -> None:
        """Let the assignment ask for what only the consumer can do."""
        self.assignment = assignment
        assignment.read_taken = lambda: cast(ChunkConsumer, self.consumer).read_taken()
        # The source may have grown after the group last assigned it: the new partitions would belong to nobody.
        assignment.ask_again = self.ask_again

    def _new_consumer(self) -> ChunkConsumer:
        return ChunkConsumer(
            self.transport,
            callback=self.topics.on_message,
            on_partitions_revoked=self._on_partitions_revoked,
            on_partitions_assigned=self._on_partitions_assigned,
            beacon=self.beacon,
        )

    async def _on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish the chunk in progress before the partitions go to another worker."""
        await self.assignment.pause()
        failpoints.hit(Failpoint.WORKER_REVOKED)
        await super()._on_partitions_revoked(revoked)

    async def _on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Rejoin once if the first assignment is empty, as it is if the topic was being re-created when it was made."""
        await super()._on_partitions_assigned(assigned, generation_id)
        if not assigned:
            self.ask_again()

    def ask_again(self) -> None:
        """Rejoin, once in this process's life.

        A static member that returns gets its previous assignment, which is not computed again, whatever the topic has
        become meanwhile. The group computes assignments again when its leader joins, which costs one rebalance; when a
        follower joins, it costs nothing.
        """
        if not self._asked_again:
            self._asked_again = True
            cast(ChunkConsumer, self.consumer).join_again()


def build(settings: Settings, index: int, well: health.Health) -> ImpressionsApp:
    """Assemble the worker. Every setting that differs from Faust's default says why."""
    sources = Sources(settings, [IMPRESSIONS])
    require_append_time(admin(settings), IMPRESSIONS)
    partitions = sources.topics[IMPRESSIONS].partitions
    folder = settings.data_dir / "state" / f"worker-{index}"
    folder.mkdir(parents=True, exist_ok=True)
    app = ImpressionsApp(
        WORKER_GROUP,
        broker=[f"kafka://{address}" for address in settings.kafka_bootstrap.split(",")],
        broker_credentials=credentials(settings),
        datadir=folder / "faust",
        topic_partitions=partitions,
        # topics.yaml declares the topics; Faust would give them 1 replica, its default (L8).
        topic_allow_declare=False,
        # Faust's leader election needs a topic of its own, and nothing here needs a leader.
        topic_disable_leader=True,
        # Faust's web server binds 0.0.0.0 and serves the tables to anyone.
        web_enabled=False,
        # Ours: fencing, barrier and read-committed recovery.
        TableManager=StateTableManager,
        store="memory://",
        # Static membership: a worker that returns within the session timeout gets its partitions at once, without a
        # rebalance. By default, the next start waits 60 s for the dead worker's session to end.
        consumer_group_instance_id=f"worker-{index}",
        broker_session_timeout=settings.session_timeout_seconds,
        broker_heartbeat_interval=settings.session_timeout_seconds / 3,
        broker_request_timeout=max(40.0, settings.session_timeout_seconds * 2),
        broker_max_poll_records=settings.chunk_records,
        # A hint for the next start and for lag displays, so once a second is often enough.
        broker_commit_interval=1.0,
        # Only a few chunks wait in the agent's queue, so records that arrive during a commit become one larger chunk
        # and not many small ones.
        stream_buffer_maxsize=4,
        # A revocation waits for commits (Assignment.pause), not for chunks that the agent holds: these wait for the
        # rebalance to end, so waiting for them, as Faust does by default and without a limit, would never end.
        stream_wait_empty=False,
        # Faust's flight recorder would print the stack of every chunk that waits for an unreachable broker.
        stream_processing_timeout=300.0,
        worker_redirect_stdouts=False,
    )
    follower = CatalogueFollower(settings)
    # Faust's own sensor, beside ours. Its events are our chunks, and its seconds are milliseconds.
    setup_prometheus_sensors(app, registry=metrics.WORKER, name_prefix="faust")
    app.use(Assignment(settings, sources, follower.catalogue, folder))
    follower.changed = app.assignment.uncatalogued.look_again
    for table in Table:
        app.tables.add(StateTable(app, table, partitions, app.assignment.states))

    @app.agent(app.topic(IMPRESSIONS, schema=RawChunks()), name="decide")
    async def decide(stream: Any) -> None:
        await decide_chunks(app.assignment, stream, cast(ChunkConsumer, app.consumer).return_to_positions)

    @app.task  # type: ignore[untyped-decorator]
    async def follow_catalogue() -> None:
        follower.follow(asyncio.get_running_loop(), end_process)

    _report(app, settings, sources, well)
    follower.load()
    sources.watch(end_process)
    return app


def _report(app: ImpressionsApp, settings: Settings, sources: Sources, well: health.Health) -> None:
    """Show what can't be reached, taken or read."""
    held = app.assignment
    well.checks += [sources.why_not_ready, held.why_not_ready]
    availability.worker_broker_away.set_function(sources.away_seconds)

    @app.task  # type: ignore[untyped-decorator]
    async def watch_source_ends() -> None:
        fetched = cast(ChunkConsumer, app.consumer).fetched
        ends = SourceEnds(of_broker(settings), lambda: [*held.positions(), *held.untaken()], fetched)
        ends.watch(end_process)


def _collect_rarely() -> None:
    """Collect cycles less often: a chunk creates 100,000 objects, none in a cycle, which its commit frees.

    By default, every 700 of them start a search through what is left of the chunk, and now and then through all
    state: a sixth of the worker's time.
    """
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)


def main(settings: Settings, index: int, port: int) -> None:
    """Run worker `index` with metrics on `port` until SIGTERM. Never returns; a crash exits with a code above 0."""
    failpoints.enable(settings, f"worker-{index}")
    well = health.Health(metrics.worker_ready)
    health.serve(settings.metrics_host, port, well, metrics.WORKER)
    app = build(settings, index, well)
    watched = app.assignment.work
    Watchdog(settings.stall_seconds, watched, worker_lag(settings), metrics.worker_stalled, well).start()
    _collect_rarely()
    worker = app.Worker(loglevel="WARNING", redirect_stdouts=False, override_logging=False, quiet=True)
    worker.spinner = None  # it writes terminal codes between the log's lines
    logger.info("worker_starting", index=index)
    worker.execute_from_commandline()
    sys.exit(0)
