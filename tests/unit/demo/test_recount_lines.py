"""The recount on hand-made lines: what is malformed, oversize, invalid, forwarded (contract section 3)."""

import json
from typing import Any

import pytest

from demo.check.recount import recount, split_lines
from demo.check.recount_partition import partition_of
from demo.check.recount_types import Config, Record, Rejected, Result

A = 1_732_431_600_000
ONE = Config(partitions=1)


def impression(**fields: Any) -> dict[str, Any]:
    return {"impression_id": "i1", "artwork_id": "a1", "seen_at": A - 1000} | fields


def flush(**fields: Any) -> dict[str, Any]:
    return {"v": 1, "flush_id": "f1", "user_id": "u1", "sent_at": A, "impressions": [impression()]} | fields


def judge(value: bytes | None, config: Config = ONE) -> Result:
    return recount([Record("t", 0, 7, A, value)], [], config)


def judged(**fields: Any) -> Result:
    return judge(json.dumps(flush(**fields)).encode())


def only_rejected(result: Result) -> Rejected:
    assert len(result.rejected) == 1
    assert not result.accepted
    return result.rejected[0]


def padded(text: str, size: int) -> bytes:
    """Return the JSON object in `text` with spaces before its end, `size` bytes long."""
    return (text[:-1] + " " * (size - len(text)) + "}").encode()


GOOD = json.dumps(flush())
MALFORMED = {
    "nothing": b"",
    "null value": None,
    "spaces": b"  \t",
    "not UTF-8": GOOD.replace("u1", "u\x7f").encode().replace(b"\x7f", b"\xff"),
    "surrogate in UTF-8": GOOD.encode().replace(b"u1", b"\xed\xa0\x80"),
    "byte order mark": b"\xef\xbb\xbf" + GOOD.encode(),
    "NaN": json.dumps(flush(extra=float("nan"))).encode(),
    "Infinity": json.dumps(flush(extra=float("inf"))).encode(),
    "minus Infinity": json.dumps(flush(extra=float("-inf"))).encode(),
    "lone high surrogate": json.dumps(flush(extra="\ud800")).encode(),
    "lone low surrogate in a list": json.dumps(flush(extra=[["\udfff"]])).encode(),
    "lone surrogate in a key": json.dumps(flush(extra={"\ud800": 1})).encode(),
    "lone surrogate that a later key overrides": GOOD.replace("{", '{"v":"\\ud800",', 1).encode(),
    "cut short": GOOD[:-1].encode(),
    "array": f"[{GOOD}]".encode(),
    "string": b'"flush"',
    "number": b"1",
    "two objects": (GOOD + GOOD).encode(),
    "trailing comma": GOOD.replace("]}", "],}").encode(),
    "control character in a string": GOOD.replace("u1", "u\t1").encode(),
    "single quotes": GOOD.replace('"', "'").encode(),
    "leading zero": GOOD.replace(str(A), "01", 1).encode(),
    "deep nesting": b'{"a":' + b"[" * 1024 + b"]" * 1024 + b"}",
    "deep nesting behind a huge number": b'{"a":1e999,"b":' + b"[" * 1024 + b"]" * 1024 + b"}",
    "overridden lone surrogate behind a huge number": GOOD.replace("{", '{"a":1e999,"b":"\\ud800","b":1,', 1).encode(),
    "a bomb": b"[" * 1_000_000,
    "not JSON and too long": b"x" * 2_000_000,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_lines_are_rejected_whole_with_their_bytes(name: str) -> None:
    value = MALFORMED[name]
    result = judge(value)
    rejected = only_rejected(result)
    assert (rejected.reason, rejected.idx, rejected.line) == ("malformed", -1, 0)
    assert rejected.payload == (value or b"")
    assert rejected.detail
    row = result.ledger[0]
    assert (row.received, row.rejected, row.accepted, row.user_id, row.transport) == (1, 1, 0, "", "")
    assert (row.bytes, row.appended_at, row.sent_at) == (len(value or b""), A, 0)


WELL_FORMED = {
    "surrogate pair": json.dumps(flush(extra="\U0001f600")).encode(),
    "escaped backslash before u": GOOD.replace("{", '{"x":"\\\\ud800",', 1).encode(),
    "deepest nesting": (GOOD[:-1] + ',"a":' + "[" * 1023 + "]" * 1023 + "}").encode(),
    "brackets in a string": (GOOD[:-1] + ',"a":"' + "[" * 5000 + '\\"["}').encode(),
    "carriage return at the end": GOOD.encode() + b"\r",
    "unknown fields": json.dumps(flush(extra=None, impressions=[impression(extra=[])])).encode(),
    "huge number in an unknown field": (GOOD[:-1] + ',"a":1e999}').encode(),
    "huge integer in an unknown field": (GOOD[:-1] + ',"a":' + "9" * 5000 + "}").encode(),
    "byte order mark in a string": (GOOD[:-1] + ',"a":"\ufeff"}').encode(),
}


@pytest.mark.parametrize("name", WELL_FORMED)
def test_odd_but_well_formed_lines_are_accepted(name: str) -> None:
    assert len(judge(WELL_FORMED[name]).accepted) == 1


def test_the_last_of_two_equal_keys_wins() -> None:
    line = GOOD.replace('"user_id": "u1"', '"user_id": 5, "\\u0075ser_id": "u2"')
    assert judge(line.encode()).accepted[0].user_id == "u2"


def test_oversize_begins_above_one_mebibyte_and_above_500_impressions() -> None:
    assert len(judge(padded(GOOD, 1024 * 1024)).accepted) == 1
    rejected = only_rejected(judge(padded(GOOD, 1024 * 1024 + 1)))
    assert (rejected.reason, rejected.user_id, len(rejected.payload)) == ("oversize", "u1", 1024 * 1024 + 1)
    many = [impression(artwork_id=f"a{n}") for n in range(501)]
    assert len(judged(impressions=many[:500]).accepted) == 500
    assert only_rejected(judged(impressions=many)).reason == "oversize"


def test_oversize_is_judged_before_invalid() -> None:
    result = judged(v=2, flush_id="", impressions=[1] * 501)
    assert only_rejected(result).reason == "oversize"
    assert (result.ledger[0].received, result.ledger[0].flush_id, result.ledger[0].user_id) == (1, "", "u1")


INVALID_FLUSHES: list[dict[str, Any]] = [
    {"v": 2},
    {"v": True},
    {"v": 1.0},
    {"flush_id": ""},
    {"flush_id": "x" * 129},
    {"flush_id": "a b"},
    {"flush_id": "a\n"},
    {"user_id": 1},
    {"user_id": "é"},
    {"sent_at": -1},
    {"sent_at": 1e3},
    {"sent_at": "1"},
    {"sent_at": 10_000_000_000_000},
    {"impressions": []},
    {"impressions": {}},
    {"impressions": None},
    {"session_id": ""},
    {"session_id": None},
    {"transport": "pigeon"},
    {"transport": []},
    {"reason": "none"},
    {"tier": "gold"},
    {"experiments": []},
    {"experiments": {"a": 1}},
    {"experiments": {"": "a"}},
    {"experiments": {str(n): "a" for n in range(17)}},
    {"telemetry": []},
    {"telemetry": {"attempts": -1}},
    {"telemetry": {"dropped": True}},
    {"telemetry": {"queued": None}},
]


@pytest.mark.parametrize("fields", INVALID_FLUSHES, ids=str)
def test_a_wrong_field_of_the_flush_rejects_the_line(fields: dict[str, Any]) -> None:
    result = judged(**fields)
    rejected = only_rejected(result)
    assert (rejected.reason, rejected.idx) == ("invalid", -1)
    row = result.ledger[0]
    assert (row.received, row.rejected, row.transport, row.experiments, row.sent_at) == (1, 1, "", {}, 0)
    assert row.flush_id == ("" if "flush_id" in fields else "f1")
    assert row.user_id == rejected.user_id == ("" if "user_id" in fields else "u1")


@pytest.mark.parametrize("name", ["v", "flush_id", "user_id", "sent_at", "impressions"])
def test_a_missing_field_of_the_flush_rejects_the_line(name: str) -> None:
    fields = flush()
    del fields[name]
    assert only_rejected(judge(json.dumps(fields).encode())).reason == "invalid"


VALID_FLUSHES: list[dict[str, Any]] = [
    {"flush_id": "x" * 128},
    {"flush_id": "AZaz09._:-"},
    {"sent_at": 9_999_999_999_999},
    {"sent_at": 0},
    {"session_id": "s"},
    {"experiments": {str(n): "a" for n in range(16)}},
    {"telemetry": {}},
    {"telemetry": {"attempts": 2**53 - 1, "unknown": None}},
]


@pytest.mark.parametrize("fields", VALID_FLUSHES, ids=str)
def test_the_edges_of_the_flush_are_accepted(fields: dict[str, Any]) -> None:
    assert len(judged(**fields).accepted) == 1


INVALID_IMPRESSIONS: list[Any] = [
    1,
    None,
    [],
    {},
    impression(impression_id="x" * 129),
    impression(artwork_id=None),
    impression(seen_at=True),
    impression(seen_at=1e3),
    impression(seen_at=1.0),
    impression(seen_at=-1),
    impression(seen_at=10_000_000_000_000),
    impression(pool_id=""),
    impression(dwell_ms=2**53),
    impression(dwell_ms=1.5),
    impression(dwell_ms=None),
    impression(visible=1.01),
    impression(visible=-0.1),
    impression(visible="1"),
    impression(visible=True),
    impression(position=-1),
    impression(position=None),
    impression(surface="a b"),
]


@pytest.mark.parametrize("bad", INVALID_IMPRESSIONS, ids=str)
def test_a_bad_impression_rejects_itself_only_with_its_exact_bytes(bad: Any) -> None:
    exact = json.dumps(bad, indent=1).replace("\n", "\t")
    good = json.dumps(impression())
    line = json.dumps(flush(impressions=["MARK"])).replace('"MARK"', f" {exact} , {good}")
    result = judge(line.encode())
    assert [row.idx for row in result.accepted] == [1]
    rejected = result.rejected[0]
    assert (rejected.reason, rejected.idx, rejected.user_id) == ("invalid", 0, "u1")
    assert rejected.payload == exact.encode()
    assert (result.ledger[0].received, result.ledger[0].accepted, result.ledger[0].rejected) == (2, 1, 1)


@pytest.mark.parametrize("number", ["1e999", "-1", "2", "1e1", "-1e-9"])
def test_a_visible_share_out_of_range_is_invalid(number: str) -> None:
    line = json.dumps(flush(impressions=[impression(visible=77)])).replace("77", number)
    assert only_rejected(judge(line.encode())).reason == "invalid"


@pytest.mark.parametrize("number", ["0", "1", "1.0", "0.5", "5e-1", "-0", "-0.0", "1e-999"])
def test_a_visible_share_is_any_json_number_from_0_to_1(number: str) -> None:
    line = json.dumps(flush(impressions=[impression(visible=77)])).replace("77", number)
    assert len(judge(line.encode()).accepted) == 1


@pytest.mark.parametrize(
    ("number", "accepted"), [("-0", 1), ("0", 1), ("9" * 5000, 0), ("-" + "9" * 5000, 0), ("0.0", 0)]
)
def test_minus_zero_is_an_integer_and_a_huge_one_is_out_of_range(number: str, accepted: int) -> None:
    line = json.dumps(flush(impressions=[impression(position=77)])).replace("77", number)
    assert len(judge(line.encode()).accepted) == accepted


def test_the_payload_is_taken_from_the_last_impressions_array() -> None:
    line = GOOD[:-1] + ', "\\u0069mpressions": [{"a": "]"} , [ ]], "z": {"impressions": [9]}}'
    assert [row.payload for row in judge(line.encode()).rejected] == [b'{"a": "]"}', b"[ ]"]


def test_lines_are_split_at_0x0a_only() -> None:
    assert split_lines(None) == [b""]
    assert split_lines(b"") == [b""]
    assert split_lines(b"\n") == [b""]
    assert split_lines(b"a\n") == [b"a"]
    assert split_lines(b"a\n\n") == [b"a", b""]
    assert split_lines(b"\na\r\nb\x0b\xe2\x80\xa8c") == [b"", b"a\r", b"b\x0b\xe2\x80\xa8c"]


def test_a_bad_line_never_rejects_its_record() -> None:
    result = judge(b"\n" + GOOD.encode() + b"\nnonsense\n" + GOOD.replace("u1", "u2").encode() + b"\n")
    assert [row.line for row in result.ledger] == [0, 1, 2, 3]
    assert [(row.line, row.reason) for row in result.rejected] == [(0, "malformed"), (2, "malformed")]
    assert [(row.line, row.user_id) for row in result.accepted] == [(1, "u1"), (3, "u2")]


def test_a_misrouted_flush_is_forwarded_whole_and_nothing_else() -> None:
    user = next(f"u{n}" for n in range(100) if partition_of(f"u{n}", 4) == 2)
    line = json.dumps(flush(user_id=user, impressions=[impression(), 5, impression()])).encode()
    result = recount([Record("t", 1, 0, A, line), Record("t", 2, 0, A + 5, line)], [], Config(partitions=4))
    sent_on, judged_there = result.ledger
    assert (sent_on.received, sent_on.forwarded, sent_on.rejected, sent_on.accepted) == (3, 3, 0, 0)
    assert (judged_there.accepted, judged_there.duplicates, judged_there.rejected) == (1, 1, 1)
    assert (sent_on.transport, sent_on.reason, sent_on.tier, sent_on.user_id) == ("sdk", "manual", "free", user)
    assert [row.received_at for row in result.accepted] == [A + 5]


def test_an_invalid_flush_in_a_wrong_partition_is_rejected_where_it_is() -> None:
    user = next(f"u{n}" for n in range(100) if partition_of(f"u{n}", 4) == 2)
    line = json.dumps(flush(user_id=user, tier="gold")).encode()
    result = recount([Record("t", 1, 0, A, line)], [], Config(partitions=4))
    assert only_rejected(result).source_partition == 1
    assert result.ledger[0].forwarded == 0


# From org.apache.kafka.common.utils.UtilsTest.testMurmur2, as signed 32-bit integers.
MURMUR2 = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
}


@pytest.mark.parametrize("key", MURMUR2)
def test_partitions_are_those_of_kafkas_java_clients(key: str) -> None:
    for partitions in (1, 4, 1000, 2**31):
        assert partition_of(key, partitions) == (MURMUR2[key] & 0x7FFFFFFF) % partitions
