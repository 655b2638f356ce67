"""Rows that are gone from ClickHouse, and records that can't be read: nothing is skipped, and a person can go on."""

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from streams.kafka.admin import watermarks
from streams.kafka.names import ACCEPTED, LEDGER, REJECTED
from tests.support.rows import T0, ledger
from tests.support.sink import SinkProcess, joined
from tests.support.sink_stack import SECONDS, SinkStack, rejected_piece
from tests.support.wait import until

pytestmark = pytest.mark.integration

REFUSED = "impressions_sink_partition_refused"


@pytest.fixture
def still(stack: SinkStack) -> SinkStack:
    """The stack, with parts that stay as they were inserted."""
    for table in ("impressions_raw", "user_artworks_raw", "artwork_users_raw", "ledger_raw", "rejected_raw"):
        stack.db.put.client.command(f"SYSTEM STOP MERGES {stack.db.name}.{table}")
    return stack


def wait_refused(sink: SinkProcess, topic: str, partition: int) -> None:
    metric = f'{REFUSED}{{partition="{partition}",topic="{topic}"}}'
    until(lambda: sink.metric(metric) == 1, SECONDS, f"{topic} {partition} is refused")


def test_rows_that_are_gone_from_any_table_are_read_again(still: SinkStack) -> None:
    with still.sink() as sink:
        for number in range(3):
            still.feeder.commit(*still.chunk(20, 0), (REJECTED, 0, rejected_piece(number)))
            still.check(20 * (number + 1))
            still.wait_rows("rejected", number + 1)
        assert sink.stop() == 0
    for table in ("impressions_raw", "user_artworks_raw", "ledger_raw", "rejected_raw"):
        before = still.count(table)
        still.drop_newest_part(table)
        assert still.count(table) < before
    still.drop_newest_part("artwork_users_raw")
    still.drop_newest_part("artwork_users_raw")
    with still.sink() as sink:
        still.check(60)
        still.wait_rows("rejected", 3)
        assert still.db.rows("SELECT count(), uniqExact(source_offset) FROM rejected") == [(3, 3)]
        still.feeder.commit(*still.chunk(20, 0))
        still.check(80)
        sink.wait_ready()
        assert sink.metric("impressions_sink_lost_offsets_total") == 0
        assert sink.stop() == 0


def test_rows_that_kafka_has_no_more_wait_for_a_person(still: SinkStack) -> None:
    def write(offset: int) -> None:
        still.feeder.commit((LEDGER, 2, joined([ledger(offset, 2)])))

    with still.sink() as sink:
        for offset in range(3):
            write(offset)
            still.wait_rows("ledger", offset + 1)
        assert sink.stop() == 0
    still.drop_newest_part("ledger_raw")
    end = watermarks(still.settings, LEDGER, 2)[1]
    admin = AdminClient({"bootstrap.servers": still.settings.kafka_bootstrap})
    admin.delete_records([TopicPartition(LEDGER, 2, end)])[TopicPartition(LEDGER, 2)].result(SECONDS)
    write(3)
    with still.sink() as sink:
        wait_refused(sink, LEDGER, 2)
        still.feeder.commit(*still.chunk(10, 1))
        still.wait_rows("impressions", 30)
        still.wait_rows("ledger", 12)
        assert sink.metric("impressions_sink_ready") == 0
        assert sink.log.read_text().count('"partition_refused"') == 1
        assert sink.stop() == 0
    assert still.db.rows("SELECT source_offset FROM ledger WHERE source_partition = 2 ORDER BY ALL") == [(0,), (1,)]
    still.wait_no_member()
    still.set_offsets(2, end, [LEDGER])
    with still.sink() as sink:
        until(lambda: still.count("ledger") == 13, SECONDS, "the partition goes on")
        sink.wait_ready()
        assert sink.metric(REFUSED) == 0
        assert sink.stop() == 0


def test_a_record_of_another_version_waits_and_others_go_on(stack: SinkStack) -> None:
    newer = {name: value for name, value in ledger(7, 3).items() if name != "accepted"} | {"outcomes": [1, 2]}
    with stack.sink() as sink:
        stack.feeder.commit((LEDGER, 3, joined([ledger(6, 3) | {"colour": "red"}])))
        stack.feeder.commit((LEDGER, 3, joined([newer])))
        stack.feeder.commit((LEDGER, 3, joined([ledger(8, 3)])))
        wait_refused(sink, LEDGER, 3)
        stack.feeder.commit(*stack.chunk(10, 1))
        stack.wait_rows("ledger", 11)
        stack.wait_rows("impressions", 30)
        assert sink.metric("impressions_sink_ready") == 0
        assert sink.log.read_text().count('"record_unreadable"') == 1
        assert "accepted is missing" in sink.log.read_text()
        assert sink.stop() == 0
    offset = stack.committed(LEDGER, 3)[0]
    assert stack.db.rows("SELECT source_offset FROM ledger WHERE source_partition = 3") == [(6,)]
    stack.wait_no_member()
    stack.set_offsets(3, offset + 1, [LEDGER])
    with stack.sink() as sink:
        stack.wait_rows("ledger", 12)
        sink.wait_ready()
        assert sink.stop() == 0
    found = stack.db.rows("SELECT source_offset, appended_at FROM ledger WHERE source_partition = 3 ORDER BY ALL")
    assert [(offset, round(at.timestamp() * 1000)) for offset, at in found] == [(6, T0), (8, T0)]


def test_what_was_given_up_stays_given_up_while_nothing_comes(stack: SinkStack) -> None:
    with stack.sink() as sink:
        stack.feeder.commit((ACCEPTED, 1, b"{"))
        wait_refused(sink, ACCEPTED, 1)
        assert sink.stop() == 0
    stack.wait_no_member()
    stack.set_offsets(1, stack.committed(ACCEPTED, 1)[0] + 1, [ACCEPTED])
    for _ in range(2):
        with stack.sink() as sink:
            sink.wait_ready()
            assert sink.stop() == 0
