"""A worker as in Faust's documentation: an agent, a table, a send; `at_least_once` and all other defaults.

`textbook.py take --index N` reads batches from its stream, `textbook.py events --index N` one event after another.
It decides good flushes, one line per record, as the contract says, and can't handle anything else.
"""

import argparse
import asyncio
import json
import time
from typing import Any

import faust
from confluent_kafka import IsolationLevel

from impression_streams.flush import Flush, Impression
from streams.core import rows
from streams.core.judge import Rules
from streams.core.line import Line
from streams.kafka.admin import TopicInfo, committed, describe, ends
from streams.kafka.names import ACCEPTED, IMPRESSIONS, LEDGER
from streams.metrics import catalogue as metrics
from streams.runtime import health, log
from streams.settings import Settings

GROUP = "textbook"
BATCH, WITHIN_SECONDS = 100, 0.2


class Messages(faust.Schema[Any, Any]):
    """Passes on whole messages, because rows have the partition and the offset of their source."""

    def compile(self, app: Any, *_: Any, **__: Any) -> Any:
        async def decode(message: Any, *, propagate: bool = False) -> Any:
            return app.create_event(None, message, [], message)

        return decode


class Recorder:
    """Records flushes. A table holds what was accepted, by user and artwork."""

    def __init__(self, app: faust.App, settings: Settings, topic: TopicInfo) -> None:
        self._rules = Rules(settings.window_ms, settings.lateness_ms, settings.tolerance_ms)
        self._topic_id = topic.topic_id
        self._accepted = app.topic(ACCEPTED, value_type=bytes, value_serializer="raw")
        self._ledger = app.topic(LEDGER, value_type=bytes, value_serializer="raw")
        # Without use_partitioner a table can't be written in a batch, which has no current event.
        self._seen = app.Table("seen", default=list, partitions=topic.partitions, use_partitioner=True)

    async def record(self, message: Any) -> None:
        """Decode, decide, send."""
        flush = Flush.model_validate(json.loads(message.value))
        appended_at = round(message.timestamp * 1000)
        line = Line(self._topic_id, message.partition, message.offset, 0, appended_at, message.value)
        accepted, ledger = [], rows.ledger(line, flush, len(flush.impressions), int(time.time() * 1000))
        for index, impression in enumerate(flush.impressions):
            before = self._accept(flush.user_id, impression)
            if before is None:
                ledger.duplicates += 1
                continue
            fresh = not before
            accepted.append(rows.accepted(line, index, flush, impression, fresh, self._rules))
            ledger.accepted += 1
            ledger.fresh += fresh
        if accepted:
            await self._accepted.send(value=rows.as_lines(accepted).rstrip(), partition=message.partition)
        await self._ledger.send(value=rows.as_lines([ledger]).rstrip(), partition=message.partition)

    def _accept(self, user_id: str, impression: Impression) -> list[int] | None:
        """Note an impression; return when the artwork was seen before, or None for a duplicate."""
        key = f"{user_id}|{impression.artwork_id}"
        before: list[int] = self._seen[key]
        if any(abs(impression.seen_at - at) < self._rules.window_ms for at in before):
            return None
        self._seen[key] = [*before, impression.seen_at]
        return before


def build(settings: Settings, index: int, take: bool) -> faust.App:
    """Build the worker. Sets only addresses, folders and the number of partitions."""
    topic = describe(settings, IMPRESSIONS)
    app = faust.App(
        GROUP,
        broker=[f"kafka://{address}" for address in settings.kafka_bootstrap.split(",")],
        datadir=settings.data_dir / f"textbook-{index}",
        topic_partitions=topic.partitions,
        # Several run on one machine, and nothing queries them.
        web_enabled=False,
    )
    recorder = Recorder(app, settings, topic)
    source = app.topic(IMPRESSIONS, schema=Messages())

    async def record_batches(stream: Any) -> None:
        async for batch in stream.take(BATCH, within=WITHIN_SECONDS):
            for message in batch:
                await recorder.record(message)

    async def record_events(stream: Any) -> None:
        async for message in stream:
            await recorder.record(message)

    app.agent(source, name="record")(record_batches if take else record_events)

    @app.on_partitions_assigned.connect
    async def assigned(*_: Any, **__: Any) -> None:
        metrics.worker_ready.set(1)

    return app


def is_done(settings: Settings, partition: int) -> bool:
    """Return whether the worker has acknowledged all records of a partition."""
    (end,) = ends(settings, IMPRESSIONS, [partition], IsolationLevel.READ_COMMITTED).values()
    # Faust commits the last record's offset at least, and not always the one after it.
    return committed(settings, GROUP, IMPRESSIONS, partition).offset >= end - 1


def main() -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("how", choices=("take", "events"))
    parser.add_argument("--index", type=int, default=0)
    arguments = parser.parse_args()
    log.configure("WARNING")
    settings = Settings.load()
    port, well = settings.metrics_port + 10 * arguments.index, health.Health(metrics.worker_ready)
    health.serve(settings.metrics_host, port, well, metrics.WORKER)
    asyncio.set_event_loop(asyncio.new_event_loop())
    app = build(settings, arguments.index, arguments.how == "take")
    worker = app.Worker(loglevel="WARNING", redirect_stdouts=False, override_logging=False, quiet=True)
    worker.spinner = None
    worker.execute_from_commandline()


if __name__ == "__main__":
    main()
