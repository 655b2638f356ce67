"""Rows match their models strictly, and rejections keep every byte."""

import orjson
import pytest

from streams.core import pieces
from streams.core.chunk import SourceRecord
from streams.model.rows import Accepted, Coverage, LedgerRow, Rejected
from streams.provision import topics_file
from streams.settings import Settings
from tests.support.flushes import TOPIC_ID, A, catalogue_of, decide, decider, flush, impression, line, payload, seen

FULL = {
    "session_id": "s1",
    "transport": "beacon",
    "reason": "pagehide",
    "tier": "pro",
    "experiments": {"flush": "2s"},
    "client": "firefox-153",
    "telemetry": {"attempts": 3, "failures": 2, "queued": 1, "dropped": 4},
    "impressions": [
        impression(pool_id="p", dwell_ms=1200, visible=0.8, position=3, surface="gallery"),
        impression(impression_id="i2", artwork_id="a2"),
        impression(impression_id="i3", artwork_id="a3", seen_at=A + 400_000),
        impression(impression_id="i4"),
        impression(impression_id=""),
    ],
}


def test_rows_match_their_models() -> None:
    catalogue = catalogue_of(a1={"pool_id": "p", "ordinal": 1}, a9={"pool_id": "p", "ordinal": 2})
    outputs = decider(catalogue).decide(_records(line(**FULL), b"nothing", line(v=2)), now=A + 5)
    for row in b"".join(outputs.accepted).splitlines():
        assert Accepted.model_validate(orjson.loads(row)).model_dump() == orjson.loads(row)
    for row in b"".join(outputs.ledger).splitlines():
        assert LedgerRow.model_validate(orjson.loads(row)).model_dump() == orjson.loads(row)
    for _, row in outputs.rejected:
        assert Rejected.model_validate(orjson.loads(row)).model_dump() == orjson.loads(row)
    for _, value in outputs.coverage:
        assert value is not None
        assert Coverage.model_validate(orjson.loads(value)).model_dump() == orjson.loads(value)
    total = outputs.total
    assert (total.accepted, total.lines, len(outputs.rejected), len(outputs.coverage)) == (2, 3, 4, 1)


def _records(*values: bytes) -> list[SourceRecord]:
    return [SourceRecord(17 + n, A, value) for n, value in enumerate(values)]


def test_an_accepted_row_has_every_field_of_its_impression_and_flush() -> None:
    first, second = decide(line(**FULL), first=17).accepted
    assert first == {
        "event_id": first["event_id"],
        "user_id": "u1",
        "artwork_id": "a1",
        "pool_id": "p",
        "impression_id": "i1",
        "flush_id": "f1",
        "session_id": "s1",
        "seen_at": A,
        "received_at": A,
        "fresh": True,
        "dwell_ms": 1200,
        "visible": 0.8,
        "position": 3,
        "surface": "gallery",
        "transport": "beacon",
        "reason": "pagehide",
        "tier": "pro",
        "experiments": {"flush": "2s"},
        "source_topic_id": TOPIC_ID,
        "source_partition": 0,
        "source_offset": 17,
        "line": 0,
        "idx": 0,
    }
    absent = {"pool_id": "", "dwell_ms": None, "visible": None, "position": None, "surface": "", "idx": 1}
    assert second | absent == second


def test_a_ledger_row_has_counts_and_telemetry() -> None:
    text = line(**FULL)
    (row,) = decide(text, first=17).ledger
    assert row == {
        "source_topic_id": TOPIC_ID,
        "source_partition": 0,
        "source_offset": 17,
        "line": 0,
        "flush_id": "f1",
        "user_id": "u1",
        "received": 5,
        "accepted": 2,
        "fresh": 2,
        "duplicates": 1,
        "rejected": 2,
        "forwarded": 0,
        "transport": "beacon",
        "reason": "pagehide",
        "tier": "pro",
        "experiments": {"flush": "2s"},
        "client": "firefox-153",
        "attempts": 3,
        "failures": 2,
        "queued": 1,
        "dropped": 4,
        "bytes": len(text),
        "sent_at": A,
        "appended_at": A,
        "processed_at": A + 5,
        "lines": 1,
    }


@pytest.mark.parametrize(
    ("text", "flush_id", "user_id"),
    [
        pytest.param(b"", "", "", id="empty"),
        pytest.param(b"[1]", "", "", id="not an object"),
        pytest.param(line(v=2), "f1", "u1", id="both ids good"),
        pytest.param(line(user_id="a b"), "f1", "", id="bad user_id"),
        pytest.param(line(flush_id=1), "", "u1", id="bad flush_id"),
        pytest.param(line(user_id="a b", tier="gold"), "f1", "", id="bad user_id and more"),
    ],
)
def test_a_line_rejected_whole_counts_as_one_received_and_one_rejected(
    text: bytes, flush_id: str, user_id: str
) -> None:
    outcome = decide(text)
    (row,) = outcome.ledger
    zeroes = dict.fromkeys(("accepted", "fresh", "duplicates", "forwarded", "sent_at"), 0)
    zeroes |= dict.fromkeys(("attempts", "failures", "queued", "dropped"), 0)
    fixed = {"received": 1, "rejected": 1, "transport": "", "reason": "", "tier": "", "experiments": {}, "client": ""}
    assert row | zeroes | fixed == row
    assert (row["flush_id"], row["user_id"], row["bytes"]) == (flush_id, user_id, len(text))
    (rejected,) = outcome.rejected
    assert (rejected["idx"], rejected["user_id"], payload(rejected)) == (-1, user_id, text)


PAYLOADS = {
    "text": (b'{"a": 1', "utf-8"),
    "beyond ASCII": ("{ü😀".encode(), "utf-8"),
    "a few quotes": (b'{"a":"b"', "utf-8"),
    "quotes": (b'"' * 1000, "base64"),
    "short control characters": (b"\x00\x01\x1f", "utf-8"),
    "not UTF-8": (b"\xff\xfe", "base64"),
    "surrogate in UTF-8": (b"\xed\xa0\x80", "base64"),
    "4 MiB of quotes": (b'"' * 4_194_304, "base64"),
    "4 MiB of zeroes": (b"\x00" * 4_194_304, "base64"),
    "4 MiB of text": (b"x" * 4_194_304, "utf-8"),
    "10 MiB, which compresses well": (b'{"a":1e9,' * 1_165_000, "utf-8"),
    "as much as a record may hold": (b"\xff" * pieces.KEPT_BYTES, "base64"),
}
LIMIT = topics_file.load(Settings())["impressions.rejected.v1"].max_message_bytes


@pytest.mark.parametrize(("text", "encoding"), PAYLOADS.values(), ids=PAYLOADS)
def test_a_rejection_keeps_the_bytes_and_fits_a_record(text: bytes, encoding: str) -> None:
    outputs = decider().decide(_records(text), now=A)
    ((_, row),) = outputs.rejected
    assert len(row) < LIMIT
    rejected = orjson.loads(row)
    assert rejected["payload_encoding"] == encoding
    assert payload(rejected) == text


def test_a_payload_too_large_for_a_record_is_cut_and_its_detail_says_so() -> None:
    text = b"x" * (pieces.KEPT_BYTES + 1)
    outcome = decide(text)
    (rejected,) = outcome.rejected
    assert rejected["reason"] == "oversize", "it was not read"
    assert payload(rejected) == text[: pieces.CUT_BYTES]
    assert f"{len(text)} bytes" in rejected["detail"]
    assert str(pieces.CUT_BYTES) in rejected["detail"]
    assert outcome.ledger[0]["bytes"] == len(text)


UNTIMELY = b'{"impression_id": "i1","artwork_id":"a\\u0031", "seen_at":%d, "x": [1e3, "\\u00fc\xc3\xbc"]}'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(UNTIMELY % (A + 300_001), "future", id="future"),
        pytest.param(UNTIMELY % (A - 86_400_001), "late", id="late"),
        pytest.param(b'{"impression_id":"i1", "artwork_id" : 1e0}', "invalid", id="invalid"),
    ],
)
def test_a_rejected_impression_keeps_its_own_bytes(text: bytes, reason: str) -> None:
    whole = orjson.dumps(flush(impressions=[0, 0, impression()]))
    whole = whole.replace(b"[0,0,", b'[{"impressions":[]}, ' + text + b" ,", 1)
    outcome = decide(*seen(("a1", A)), whole)
    first, second = outcome.rejected
    assert (first["reason"], payload(first), first["idx"]) == ("invalid", b'{"impressions":[]}', 0)
    assert (second["reason"], payload(second), second["idx"]) == (reason, text, 1)
    assert second["user_id"] == "u1"
    assert second["rejected_at"] == A
    assert second["detail"]
