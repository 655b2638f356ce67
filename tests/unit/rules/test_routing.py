"""Contract section 2: which partition is a user's home, and what becomes of a line that arrives in another one."""

import hashlib
import json
from collections.abc import Callable
from itertools import count

import pytest

from oracle import murmur
from streams.core import partitioner
from tests.support.flushes import TOPIC_ID, A, flush, impression, line
from tests.support.judging import Implementation, digest, log

PARTITIONS = 4
STRANGER = next(user for n in count() if murmur.home_of(user := f"u{n}", PARTITIONS) == 3)
# From Kafka's own UtilsTest.testMurmur2; Java's ints are signed.
VECTORS = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
}


@pytest.mark.parametrize("murmur2", [partitioner.murmur2, murmur.murmur2], ids=["core", "oracle"])
@pytest.mark.parametrize(("text", "signed"), VECTORS.items(), ids=VECTORS)
def test_the_hash_is_kafkas(murmur2: Callable[[bytes], int], text: str, signed: int) -> None:
    assert murmur2(text.encode()) == signed % 2**32


@pytest.mark.parametrize("home_of", [partitioner.partition_of, murmur.home_of], ids=["core", "oracle"])
@pytest.mark.parametrize(("text", "signed"), VECTORS.items(), ids=VECTORS)
def test_the_sign_bit_is_cleared_before_the_division(
    home_of: Callable[[str, int], int], text: str, signed: int
) -> None:
    for partitions in (1, 3, 4, 7, 1000, 2**31):
        assert home_of(text, partitions) == (signed & 0x7FFFFFFF) % partitions


@pytest.mark.parametrize("home_of", [partitioner.partition_of, murmur.home_of], ids=["core", "oracle"])
@pytest.mark.parametrize("partitions", [1, 4, 7])
def test_partitions_are_in_range_and_all_used(home_of: Callable[[str, int], int], partitions: int) -> None:
    assert {home_of(f"u{n}", partitions) for n in range(200)} == set(range(partitions))


def test_a_misrouted_flush_is_forwarded_whole_and_judged_at_home(judge: Implementation) -> None:
    mixed = [impression(), 5, impression(), impression(artwork_id="a2", seen_at=A + 10**9)]
    text = line(user_id=STRANGER, tier="pro", impressions=mixed).replace(b'{"v":1', b'{ "x":1e999, "v":1')
    elsewhere, home = log(b"?\n" + text, first=5), log(text, at=A + 5, partition=3)
    found = judge([*elsewhere, *home], [(b"a1", b'{"pool_id":"p","ordinal":0}')], partitions=PARTITIONS)
    assert found.forwards == [(TOPIC_ID, 0, 5, 1, 3, digest(text))]
    malformed, sent, judged = found.ledger
    assert (malformed.rejected, malformed.forwarded) == (1, 0)
    assert (sent.received, sent.forwarded, sent.accepted, sent.duplicates, sent.rejected) == (4, 4, 0, 0, 0)
    assert (sent.user_id, sent.transport, sent.reason, sent.tier) == (STRANGER, "sdk", "manual", "pro")
    assert (judged.received, judged.accepted, judged.duplicates, judged.rejected) == (4, 1, 1, 2)
    assert found.reasons == ["malformed", "invalid", "future"]
    assert [(row.received_at, row.source_partition) for row in found.accepted] == [(A + 5, 3)]
    assert {row.user_id: row.seen for row in found.coverage} == {STRANGER: 1}


def test_a_forwarded_line_changes_nothing_in_the_partition_it_arrived_in(judge: Implementation) -> None:
    found = judge(log(line(user_id=STRANGER)), [(b"a1", b'{"pool_id":"p","ordinal":0}')], partitions=PARTITIONS)
    assert found.letters == "s"
    assert (found.accepted, found.rejected, found.coverage) == ([], [], set())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(line(user_id=STRANGER)[:-1], "malformed", id="malformed"),
        pytest.param(line(user_id=STRANGER, impressions=[1] * 501), "oversize", id="oversize"),
        pytest.param(line(user_id=STRANGER, v=2), "invalid", id="invalid"),
        pytest.param(line(user_id=STRANGER, tier="gold"), "invalid", id="invalid tier"),
        pytest.param(line(user_id=STRANGER, impressions=[]), "invalid", id="no impressions"),
    ],
)
def test_a_line_rejected_whole_is_rejected_in_the_partition_it_arrived_in(
    judge: Implementation, text: bytes, reason: str
) -> None:
    found = judge(log(text, partition=1), partitions=PARTITIONS)
    (row,) = found.ledger
    assert [(each.reason, each.source_partition) for each in found.rejected] == [(reason, 1)]
    assert (row.received, row.rejected, row.forwarded, found.forwards) == (1, 1, 0, [])


def test_each_line_of_a_packed_record_is_routed_by_its_own_user(judge: Implementation) -> None:
    native, other = (
        next(user for n in count() if murmur.home_of(user := f"{name}{n}", PARTITIONS) == 0) for name in "uv"
    )
    lines = [line(user_id=native), b"{", line(user_id=other), line(user_id=STRANGER), line(user_id=native)]
    found = judge(log(b"\n".join(lines)), partitions=PARTITIONS)
    assert found.letters == "fxfsd"
    assert [row.line for row in found.ledger] == [0, 1, 2, 3, 4]
    assert sum(row.received for row in found.ledger) == 5


def test_every_column_of_an_accepted_impression_and_its_ledger_row(judge: Implementation) -> None:
    seen = {"seen_at": A - 5, "pool_id": "p", "dwell_ms": 3, "visible": 0.25, "position": 2, "surface": "s"}
    said = {"transport": "beacon", "reason": "pagehide", "tier": "pro", "experiments": {"flush": "2s"}}
    sender = {"client": "firefox-153"}
    told = {"attempts": 4, "failures": 3, "queued": 2, "dropped": 1}
    more = {**said, **sender, "session_id": "s1", "telemetry": told, "sent_at": A - 1}
    text = json.dumps(flush(**more, impressions=[impression(**seen), impression(), {}])).encode()
    found = judge(log(b"x\n" + text, first=9))
    place = {"source_topic_id": TOPIC_ID, "source_partition": 0, "source_offset": 9, "line": 1}
    ids = {"flush_id": "f1", "user_id": "u1"}
    (accepted,), row = found.accepted, found.ledger[1]
    event_id = hashlib.sha256(b"\0\0\0\2u1" + b"\0\0\0\2a1" + b"\0\0\0\x072887385").hexdigest()[:32]
    assert accepted._asdict() == {
        **{**seen, **said, **place, **ids, "event_id": event_id, "artwork_id": "a1", "impression_id": "i1"},
        **{"session_id": "s1", "received_at": A, "fresh": True, "idx": 0},
    }
    assert row._asdict() == {
        **{**said, **sender, **told, **place, **ids, "sent_at": A - 1, "appended_at": A, "bytes": len(text)},
        **{"received": 3, "accepted": 1, "fresh": 1, "duplicates": 1, "rejected": 1, "forwarded": 0, "lines": 1},
    }
    assert found.rejected[1]._asdict() == {
        **{**place, "idx": 2, "reason": "invalid", "user_id": "u1", "payload": digest(b"{}"), "payload_bytes": 2},
        **{"rejected_at": A, "detail": True, "lines": 1},
    }


def test_absent_optional_fields_have_the_contracts_defaults(judge: Implementation) -> None:
    found = judge(log(line()))
    (accepted,), (row,) = found.accepted, found.ledger
    assert (accepted.pool_id, accepted.session_id, accepted.surface) == ("", "", "")
    assert (accepted.dwell_ms, accepted.visible, accepted.position) == (None, None, None)
    for each in (accepted, row):
        assert (each.transport, each.reason, each.tier, each.experiments) == ("sdk", "manual", "free", {})
    assert (row.attempts, row.failures, row.queued, row.dropped) == (0, 0, 0, 0)
