"""CONTRACT §3: every field's type and range, and which reason comes first."""

from typing import Any

import orjson
import pytest

from impression_streams.flush import Impression
from streams.core.decode import MAX_LINE_BYTES, DecodedFlush, InvalidImpression, RefusedLine, decode
from tests.support.flushes import A, flush, impression, line, without

MAX_TIME, MAX_INTEGER = 9_999_999_999_999, 2**53 - 1
ABSENT = object()


def decoded(text: bytes) -> DecodedFlush:
    result = decode(text)
    assert isinstance(result, DecodedFlush), result
    return result


def refused(text: bytes) -> RefusedLine:
    result = decode(text)
    assert isinstance(result, RefusedLine), result
    return result


def cases(table: dict[str, list[Any]]) -> list[Any]:
    """A case a value, its id the field and the value."""
    return [
        pytest.param(name, value, id=f"{name}={'absent' if value is ABSENT else repr(value)[:24]}")
        for name, values in table.items()
        for value in values
    ]


GOOD_IDS = ["a", "a" * 128, "A-Za.z_0:9", "0"]
BAD_IDS = ["", "a" * 129, "a b", "a\n", "\na", "ä", "a/b", "a|b", "a\u0000", 1, True, None, ["a"], {"a": 1}, 1.5]
BAD_INTEGERS = [-1, 2**53, 2**64, 10**30, 1.0, 1.5, True, False, "1", None, [1], {}]
BAD_TIMES = [*BAD_INTEGERS, MAX_TIME + 1]

GOOD_FLUSH: dict[str, list[Any]] = {
    "flush_id": GOOD_IDS,
    "user_id": GOOD_IDS,
    "sent_at": [0, 1, MAX_TIME],
    "session_id": [ABSENT, *GOOD_IDS],
    "transport": [ABSENT, "fetch", "beacon", "keepalive", "sync", "sdk", "replay"],
    "reason": [ABSENT, "timer", "size", "hidden", "pagehide", "manual"],
    "tier": [ABSENT, "free", "pro"],
    "experiments": [ABSENT, {}, {"a": "b"}, {f"e{n}": "x" for n in range(16)}],
    "telemetry": [ABSENT, {}, {"attempts": 0}, {"attempts": MAX_INTEGER, "failures": 1, "queued": 2, "dropped": 3}],
    "unknown": [None, 1, {"v": [2]}, "x"],
}
BAD_FLUSH: dict[str, list[Any]] = {
    "v": [ABSENT, 0, 2, 1.0, True, "1", None],
    "flush_id": [ABSENT, *BAD_IDS],
    "user_id": [ABSENT, *BAD_IDS],
    "sent_at": [ABSENT, *BAD_TIMES],
    "impressions": [ABSENT, [], None, {}, "x", 1, {"0": impression()}],
    "session_id": BAD_IDS,
    "transport": ["", "FETCH", "http", 1, None, ["fetch"]],
    "reason": ["", "Timer", 1, None],
    "tier": ["", "gold", 1, None],
    "experiments": [None, [], "x", {f"e{n}": "x" for n in range(17)}, {"": "x"}, {"a b": "x"}, {"a": ""}, {"a": 1}],
    "telemetry": [None, [], 1, "x", *({"attempts": bad} for bad in BAD_INTEGERS), {"dropped": -1}, {"queued": 1.0}],
}
GOOD_IMPRESSION: dict[str, list[Any]] = {
    "impression_id": GOOD_IDS,
    "artwork_id": GOOD_IDS,
    "seen_at": [0, A, MAX_TIME],
    "pool_id": [ABSENT, *GOOD_IDS],
    "dwell_ms": [ABSENT, 0, MAX_INTEGER],
    "visible": [ABSENT, 0, 1, 0.0, 1.0, 0.5, 1e-300],
    "position": [ABSENT, 0, MAX_INTEGER],
    "surface": [ABSENT, *GOOD_IDS],
    "unknown": [None, [[1]], "x"],
}
BAD_IMPRESSION: dict[str, list[Any]] = {
    "impression_id": [ABSENT, *BAD_IDS],
    "artwork_id": [ABSENT, *BAD_IDS],
    "seen_at": [ABSENT, *BAD_TIMES],
    "pool_id": BAD_IDS,
    "dwell_ms": BAD_INTEGERS,
    "visible": [-0.001, 1.001, 2, -1, True, False, "0.5", None, [], 10**30],
    "position": BAD_INTEGERS,
    "surface": BAD_IDS,
}


def with_field(row: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    return without(row, name) if value is ABSENT else row | {name: value}


def dumps(value: Any) -> bytes:
    import json  # noqa: PLC0415 - orjson writes no integer beyond 64 bits

    return json.dumps(value).encode()


@pytest.mark.parametrize(("name", "value"), cases(GOOD_FLUSH))
def test_a_good_field_of_a_flush(name: str, value: Any) -> None:
    found = decoded(dumps(with_field(flush(), name, value))).flush
    if value is not ABSENT and name not in ("unknown", "telemetry"):
        assert getattr(found, name) == value


@pytest.mark.parametrize(("name", "value"), cases(BAD_FLUSH))
def test_a_wrong_field_of_a_flush_rejects_the_line(name: str, value: Any) -> None:
    found = refused(dumps(with_field(flush(), name, value)))
    assert found.reason == "invalid"
    assert name in found.detail
    assert found.flush_id == ("" if name == "flush_id" else "f1")
    assert found.user_id == ("" if name == "user_id" else "u1")


@pytest.mark.parametrize(("name", "value"), cases(GOOD_IMPRESSION))
def test_a_good_field_of_an_impression(name: str, value: Any) -> None:
    (found,) = decoded(dumps(flush(impressions=[with_field(impression(), name, value)]))).impressions
    assert isinstance(found, Impression)
    if value is not ABSENT and name != "unknown":
        assert getattr(found, name) == value


@pytest.mark.parametrize(("name", "value"), cases(BAD_IMPRESSION))
def test_a_wrong_field_of_an_impression_rejects_it_alone(name: str, value: Any) -> None:
    bad = with_field(impression(), name, value)
    good = impression(impression_id="i2")
    first, second, third = decoded(dumps(flush(impressions=[good, bad, good]))).impressions
    assert isinstance(first, Impression)
    assert isinstance(second, InvalidImpression)
    assert isinstance(third, Impression)
    assert second.payload == dumps(bad)
    assert name in second.detail


@pytest.mark.parametrize("element", [b"null", b"1", b"[]", b'"x"', b"{}", b"true", b"1e999"])
def test_an_element_that_is_no_impression_is_rejected_alone(element: bytes) -> None:
    text = orjson.dumps(flush(impressions=[])).replace(b"[]", b"[" + element + b"]")
    (found,) = decoded(text).impressions
    assert isinstance(found, InvalidImpression)
    assert found.payload == element


def test_defaults_of_what_is_absent() -> None:
    found = decoded(line())
    assert found.flush.model_dump(exclude={"impressions"}) == {
        "v": 1,
        "flush_id": "f1",
        "user_id": "u1",
        "sent_at": A,
        "session_id": "",
        "transport": "sdk",
        "reason": "manual",
        "tier": "free",
        "experiments": {},
        "telemetry": {"attempts": 0, "failures": 0, "queued": 0, "dropped": 0},
    }
    (only,) = found.impressions
    assert isinstance(only, Impression)
    assert only.model_dump() == {
        "impression_id": "i1",
        "artwork_id": "a1",
        "seen_at": A,
        "pool_id": "",
        "dwell_ms": None,
        "visible": None,
        "position": None,
        "surface": "",
    }


NUMBERS = {"1e3": False, "1E3": False, "1000.0": False, "-0": True, "0": True, "1e999": False, "9" * 400: False}


@pytest.mark.parametrize(("number", "good"), NUMBERS.items(), ids=[n[:8] for n in NUMBERS])
@pytest.mark.parametrize("name", ["dwell_ms", "seen_at"])
def test_an_integer_has_neither_fraction_nor_exponent(name: str, number: str, good: bool) -> None:
    text = orjson.dumps(flush(impressions=[impression(**{name: "?"})])).replace(b'"?"', number.encode())
    (found,) = decoded(text).impressions
    assert isinstance(found, Impression) == good


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1.0000001", "9" * 5000], ids=lambda n: n[:8])
def test_a_visible_beyond_1_is_wrong_however_it_is_written(number: str) -> None:
    text = orjson.dumps(flush(impressions=[impression(visible="?")])).replace(b'"?"', number.encode())
    (found,) = decoded(text).impressions
    assert isinstance(found, InvalidImpression)
    assert number.encode() in found.payload


@pytest.mark.parametrize("value", [b"1e999", b"9" * 400, b"9" * 5000, b"[" * 1000 + b"]" * 1000], ids=lambda v: v[:8])
@pytest.mark.parametrize("where", ["flush", "impression"])
def test_an_unknown_field_may_hold_any_json(where: str, value: bytes) -> None:
    row = flush(more="?") if where == "flush" else flush(impressions=[impression(more="?")])
    (found,) = decoded(orjson.dumps(row).replace(b'"?"', value)).impressions
    assert isinstance(found, Impression)


def test_the_last_of_two_equal_keys_wins() -> None:
    text = line().replace(b'"user_id":"u1"', b'"user_id":"bad id","user_id":"u1"')
    assert decoded(text).flush.user_id == "u1"
    assert refused(line().replace(b'"user_id":"u1"', b'"user_id":"u1","user_id":"bad id"')).reason == "invalid"


def padded(text: bytes, size: int) -> bytes:
    """The object in `text` with spaces before its end."""
    return text[:-1] + b" " * (size - len(text)) + b"}"


@pytest.mark.parametrize(("more", "reason"), [(-1, None), (0, None), (1, "oversize")])
def test_a_line_may_have_1_mib(more: int, reason: str | None) -> None:
    result = decode(padded(line(), MAX_LINE_BYTES + more))
    assert (result.reason if isinstance(result, RefusedLine) else None) == reason


@pytest.mark.parametrize(("count", "reason"), [(1, None), (499, None), (500, None), (501, "oversize")])
def test_a_flush_may_have_500_impressions(count: int, reason: str | None) -> None:
    result = decode(line(impressions=[impression()] * count))
    if isinstance(result, RefusedLine):
        assert (result.reason, result.flush_id, result.user_id) == (reason, "f1", "u1")
    else:
        assert reason is None
        assert len(result.impressions) == count


BIG = MAX_LINE_BYTES + 1

ORDER = {
    "malformed before oversize": (b"x" * BIG, "malformed"),
    "malformed before oversize, cut short": (padded(line(), BIG)[:-1], "malformed"),
    "malformed before invalid": (line(v=2)[:-1], "malformed"),
    "oversize before invalid": (padded(line(v=2), BIG), "oversize"),
    "oversize before invalid, no flush at all": (padded(b'{"a":1}', BIG), "oversize"),
    "501 impressions before a wrong field": (line(v=2, impressions=[1] * 501), "oversize"),
    "a wrong field before wrong impressions": (line(v=2, impressions=[1]), "invalid"),
    "no impressions": (line(impressions=[]), "invalid"),
}


@pytest.mark.parametrize(("text", "reason"), ORDER.values(), ids=ORDER)
def test_the_first_reason_decides(text: bytes, reason: str) -> None:
    assert refused(text).reason == reason


def test_details_are_short_and_name_what_is_wrong() -> None:
    experiments = {f"e{n}" * 20: "" for n in range(16)}
    assert len(refused(line(experiments=experiments)).detail) <= 500
    assert refused(line(user_id="bad id")).detail.startswith("user_id: ")
