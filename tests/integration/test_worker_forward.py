"""A flush that arrives in another partition is forwarded whole, and judged where it belongs (contract §2)."""

import orjson
import pytest

from streams.kafka.names import ACCEPTED, IMPRESSIONS, LEDGER
from tests.support.audit import of_user
from tests.support.load import Raw, flush, home, impression, now_ms, user_at
from tests.support.sink import TransactionalFeeder
from tests.support.stack import Installation

pytestmark = pytest.mark.integration


def test_a_stray_is_forwarded_byte_for_byte_and_judged_at_home(installation: Installation) -> None:
    installation.only_worker()
    stranger, native = user_at(3, "stranger"), user_at(1, "native")
    stray = flush(stranger, [impression("a0001", now_ms()), impression("a0002", now_ms())]).replace(b",", b" , ")
    packed = b"\n".join([flush(native, [impression("a0001", now_ms())]), stray])
    installation.produce([Raw(1, packed)])

    installation.audit.check()
    sent, judged = of_user(installation.audit.rows(LEDGER), stranger)
    assert (sent["source_partition"], sent["line"], sent["received"], sent["forwarded"]) == (1, 1, 2, 2)
    assert (judged["source_partition"], judged["line"], judged["received"], judged["accepted"]) == (3, 0, 2, 2)
    (record,) = [each for each in installation.audit.logs[IMPRESSIONS].records if each.value == stray]
    assert (record.partition, record.offset) == (home(stranger), judged["source_offset"])
    assert orjson.loads(record.origin or b"") == {
        "topic_id": sent["source_topic_id"],
        "partition": 1,
        "offset": sent["source_offset"],
        "line": 1,
    }
    # It has an A of its own.
    assert judged["appended_at"] == record.appended_at >= sent["appended_at"]
    assert {r["received_at"] for r in of_user(installation.audit.rows(ACCEPTED), stranger)} == {record.appended_at}


def test_records_of_an_aborted_transaction_are_never_judged(installation: Installation) -> None:
    installation.only_worker()
    user_id = user_at(0, "aborted")
    feeder = TransactionalFeeder(installation.settings, "aborter")
    feeder.abort((IMPRESSIONS, 0, flush(user_id, [impression("a0001", now_ms())])))
    feeder.commit((IMPRESSIONS, 0, flush(user_id, [impression("a0002", now_ms())])))
    feeder.abort((IMPRESSIONS, 0, flush(user_id, [impression("a0003", now_ms())])))
    feeder.commit((IMPRESSIONS, 0, flush(user_id, [impression("a0004", now_ms())])))

    installation.audit.check()
    accepted = of_user(installation.audit.rows(ACCEPTED), user_id)
    assert [row["artwork_id"] for row in accepted] == ["a0002", "a0004"]
