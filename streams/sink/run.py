"""The sink as a process."""

import logging
import signal
from types import FrameType

from streams.errors import FencedError, SourceChangedError
from streams.kafka.topic_ids import Sources
from streams.metrics import availability
from streams.metrics import catalogue as metrics
from streams.runtime import failpoints, health, log
from streams.runtime.exit import end_process
from streams.runtime.watchdog import Watchdog
from streams.settings import Settings
from streams.sink.cluster_exporter import ClusterExporter
from streams.sink.ends import Ends, of_broker
from streams.sink.feeds import FEEDS
from streams.sink.kpi_exporter import KpiExporter
from streams.sink.lag import sink_lag
from streams.sink.sink import Sink

logger = log.get(__name__)


def main(settings: Settings, index: int, port: int) -> None:
    """Run sink `index` with its metrics on `port` until SIGTERM or SIGINT, then return. Call it in the main thread.

    Waits while ClickHouse is down, at the start too. Raises UserError if Kafka is unreachable or lacks a topic, or if
    the metrics port is taken. Ends the process if another one runs as the same sink.
    """
    failpoints.enable(settings, f"sink-{index}")
    # They log each failed request; the sink logs the same in one line, with what it does about it.
    for library in ("clickhouse_connect", "urllib3"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    sources = Sources(settings, list(FEEDS))
    well = health.Health(metrics.sink_ready)
    well.checks.append(sources.why_not_ready)
    availability.sink_broker_away.set_function(sources.away_seconds)
    health.serve(settings.metrics_host, port, well, metrics.SINK)
    sink = Sink(settings, index, sources)
    well.checks.append(sink.why_not_ready)
    # A row may wait that long for its block to fill before any progress shows.
    seconds = settings.stall_seconds + settings.sink_flush_seconds
    Watchdog(seconds, sink.work, sink_lag(settings), metrics.sink_stalled, well).start()
    KpiExporter(settings).start()
    ClusterExporter(settings).start()
    Ends(of_broker(settings), sink.partitions).watch(end_process)

    def stop(number: int, _frame: FrameType | None) -> None:
        logger.info("stopping", signal=signal.Signals(number).name)
        sink.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    logger.info("sink_started", index=index)
    sources.watch(end_process)
    try:
        sink.run()
    except (SourceChangedError, FencedError) as error:
        end_process(error)
    logger.info("sink_stopped", index=index)
