"""The sink while Kafka or ClickHouse is down or comes back changed: it waits, and counts what is lost."""

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from streams.kafka.admin import watermarks
from streams.kafka.names import LEDGER, REJECTED
from streams.provision import topics_file
from streams.provision.topics import provision_kafka
from streams.runtime.exit import EXIT_RESTART
from tests.support.kafka import start_broker, stop_broker
from tests.support.rows import ledger
from tests.support.sink import joined
from tests.support.sink_stack import PARTITIONS, SECONDS, SinkServers, SinkStack, rejected_piece
from tests.support.wait import until

pytestmark = pytest.mark.integration


def test_the_sink_waits_while_clickhouse_is_down_and_then_continues(stack: SinkStack) -> None:
    with stack.sink() as sink:
        stack.feeder.commit(*stack.chunk(10, 0))
        stack.check(10)
        stack.engine.stop()
        try:
            for number in range(40):
                stack.feeder.commit(*stack.chunk(10, number % PARTITIONS))
            until(lambda: sink.metric("impressions_sink_waiting") == 1, SECONDS, "the sink waits")
            until(lambda: sink.metric("impressions_sink_ready") == 0, SECONDS, "it says that it isn't ready")
            sink.kill()
            sink.start()
            until(lambda: sink.metric("impressions_sink_waiting") == 1, SECONDS, "it waits at its start too")
        finally:
            stack.engine.start()
        stack.check(410)
        sink.wait_ready()
        assert sink.metric('impressions_sink_errors_total{code="unreachable"}')
        assert sink.stop() == 0


def test_a_missing_table_stops_only_its_own_topic_and_skips_nothing(stack: SinkStack) -> None:
    writer = stack.db.put.client
    writer.command(f"RENAME TABLE {stack.db.name}.ledger_raw TO {stack.db.name}.away")
    with stack.sink() as sink:
        stack.feeder.commit(*stack.chunk(10, 0))
        stack.wait_rows("impressions", 30)
        until(lambda: sink.metric('impressions_sink_errors_total{code="60"}'), SECONDS, "the error is counted")
        until(lambda: sink.metric("impressions_sink_partition_refused") == PARTITIONS, SECONDS, "the ledger's waits")
        assert sink.metric("impressions_sink_ready") == 0
        writer.command(f"RENAME TABLE {stack.db.name}.away TO {stack.db.name}.ledger_raw")
        stack.check(10)
        sink.wait_ready()
        assert sink.metric("impressions_sink_partition_refused") == 0
        assert sink.stop() == 0


@pytest.mark.parametrize("killed", [True, False])
def test_a_re_created_topic_is_read_from_its_start(stack: SinkStack, killed: bool) -> None:
    admin = AdminClient({"bootstrap.servers": stack.settings.kafka_bootstrap})
    with stack.sink() as sink:
        for _ in range(20):
            stack.feeder.commit((REJECTED, 0, rejected_piece(next(stack.offset))))
        stack.wait_rows("rejected", 20)
        if killed:
            sink.kill()
        admin.delete_topics([REJECTED])[REJECTED].result(SECONDS)
        until(lambda: REJECTED not in admin.list_topics(timeout=SECONDS).topics, SECONDS, "the topic is gone")
        provision_kafka(stack.settings, topics_file.load(stack.settings), False, lambda _: None)
        if not killed:
            # It can't tell the records of the two logs apart, so it ends; a supervisor restarts it.
            assert sink.wait_exit() == EXIT_RESTART
        sink.start()
        for _ in range(5):
            stack.feeder.commit((REJECTED, 0, rejected_piece(next(stack.offset))))
        stack.wait_rows("rejected", 25)
        assert stack.db.rows("SELECT uniqExact(kafka_topic_id), count() FROM rejected_raw") == [(2, 25)]


def test_records_deleted_unread_are_counted_and_held_records_are_not_lost(stack: SinkStack) -> None:
    admin = AdminClient({"bootstrap.servers": stack.settings.kafka_bootstrap})

    def delete_up_to_the_end() -> None:
        end = watermarks(stack.settings, LEDGER, 3)[1]
        admin.delete_records([TopicPartition(LEDGER, 3, end)])[TopicPartition(LEDGER, 3)].result(SECONDS)

    def row() -> tuple[str, int, bytes]:
        return LEDGER, 3, joined([ledger(next(stack.offset), 3)])

    with stack.sink() as sink:
        sink.wait_ready()
        stack.engine.stop()
        try:
            stack.feeder.commit(row())  # is read and held
            until(lambda: sink.metric("impressions_sink_waiting") == 1, SECONDS, "the sink waits")
            stack.feeder.commit(row())  # is deleted before it is read
            delete_up_to_the_end()
            stack.feeder.commit(row())
        finally:
            stack.engine.start()
        until(lambda: _ledger_offsets(stack) == [0, 2], SECONDS, "the held row and the remaining row")
        # The record and the markers around it.
        until(lambda: sink.metric('impressions_sink_lost_offsets_total{partition="3",topic="impressions.ledger.v1"}'),
              SECONDS, "the loss is counted")  # fmt: skip
        assert '"offsets_lost"' in sink.log.read_text()
        assert sink.stop() == 0


def _ledger_offsets(stack: SinkStack) -> list[int]:
    return [offset for (offset,) in stack.db.rows("SELECT source_offset FROM ledger ORDER BY source_offset")]


def test_a_broker_restart_loses_nothing(stack: SinkStack, sink_servers: SinkServers) -> None:
    with stack.sink() as sink:
        stack.feeder.commit(*stack.chunk(20, 0))
        stack.check(20)
        stop_broker(sink_servers.broker)
        start_broker(sink_servers.broker)
        for partition in range(PARTITIONS):
            stack.feeder.commit(*stack.chunk(20, partition))
        stack.check(100)
        sink.wait_ready()
        assert sink.stop() == 0
