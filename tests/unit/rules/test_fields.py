"""Contract section 3: every field's type and range, in a flush and in an impression."""

import json
from typing import Any

import pytest

from tests.support.flushes import A, Row, flush, impression, without
from tests.support.judging import Implementation, digest, log

MAX_TIME, MAX_INTEGER = 9_999_999_999_999, 2**53 - 1
ABSENT = object()


class Json(str):
    """A value as JSON text."""


GOOD_IDS = ["a", "a" * 128, "A-Za.z_0:9", "AZaz09._:-", "0"]
BAD_IDS = ["", "a" * 129, "a b", "a\n", "\na", "ä", "a/b", "a|b", "a\u0000", 1, True, None, [], ["a"], {"a": 1}, 1.5]
GIANTS = [Json(text) for text in ("1e999", "-1e999", "9" * 400, "9" * 5_000, "-" + "9" * 5_000)]
BAD_INTEGERS = [-1, -7, 2**53, 2**64, 10**30, 1.0, 1.5, True, False, "1", None, [1], {}]
BAD_INTEGERS += [Json("0.0"), Json("1e3"), Json("1E3"), Json("1000.0"), *GIANTS]
BAD_TIMES = [*BAD_INTEGERS, MAX_TIME + 1]

GOOD_FLUSH: dict[str, list[Any]] = {
    "flush_id": GOOD_IDS,
    "user_id": GOOD_IDS,
    "sent_at": [0, 1, MAX_TIME, Json("-0")],
    "session_id": [ABSENT, *GOOD_IDS],
    "transport": [ABSENT, "fetch", "beacon", "keepalive", "sync", "sdk", "replay"],
    "reason": [ABSENT, "timer", "size", "hidden", "pagehide", "manual"],
    "tier": [ABSENT, "free", "pro"],
    "experiments": [ABSENT, {}, {"a": "b"}, {f"e{n}": "x" for n in range(16)}],
    "client": [ABSENT, "firefox-153", "chromium-156", "webkit-17", *GOOD_IDS],
    "telemetry": [
        *(ABSENT, {}, {"attempts": 0}, {"attempts": MAX_INTEGER, "failures": 1, "queued": 2, "dropped": 3}),
        *({"attempts": 1}, {"failures": 2}, {"else": None}, {"attempts": 1, "unknown": None}),
        # What a browser's recorder adds, whatever its clock and its page's life were: the stream takes the four.
        {
            "attempts": 2,
            "failures": 1,
            "queued": 3,
            "dropped": 4,
            "offset_ms": -3_600_000,
            "bfcache": 2,
            "discarded": 1,
        },
        {"attempts": 1, "offset_ms": 0.5, "defects": 10**30, "client": {"family": ["chromium"]}},
    ],
    "unknown": [None, 1, {"v": [2]}, "x", *GIANTS, Json("[1e999]"), Json("[" * 1_000 + "]" * 1_000)],
}
BAD_FLUSH: dict[str, list[Any]] = {
    "v": [ABSENT, 0, 2, 1.0, True, "1", None],
    "flush_id": [ABSENT, *BAD_IDS],
    "user_id": [ABSENT, *BAD_IDS],
    "sent_at": [ABSENT, *BAD_TIMES],
    "impressions": [ABSENT, [], None, {}, "x", 1, {"0": impression()}],
    "session_id": BAD_IDS,
    "transport": ["", "FETCH", "Beacon", "http", "pigeon", 1, None, [], ["fetch"], {}],
    "reason": ["", "Timer", "none", 1, None],
    "tier": ["", "gold", 1, False, None],
    "experiments": [None, [], "x", {f"e{n}": "x" for n in range(17)}, {"": "x"}, {"a b": "x"}, {"a": ""}, {"a": 1}],
    "client": BAD_IDS,
    "telemetry": [
        *(None, [], 1, "x", *({"attempts": bad} for bad in BAD_INTEGERS if not isinstance(bad, Json))),
        *({"dropped": -1}, {"dropped": True}, {"queued": 1.0}, {"queued": None}, Json('{"attempts":1e999}')),
    ],
}
GOOD_IMPRESSION: dict[str, list[Any]] = {
    "impression_id": GOOD_IDS,
    "artwork_id": GOOD_IDS,
    "seen_at": [0, A, Json("-0")],
    "pool_id": [ABSENT, *GOOD_IDS],
    "dwell_ms": [ABSENT, 0, MAX_INTEGER, Json("-0")],
    "visible": [ABSENT, 0, 1, 0.0, 1.0, 0.5, 1e-300, *map(Json, ("5e-1", "-0", "-0.0", "1e-999"))],
    "position": [ABSENT, 0, 7, MAX_INTEGER, Json("-0")],
    "surface": [ABSENT, *GOOD_IDS],
    "unknown": [None, [], [[1]], "x", *GIANTS, Json("[" * 1_000 + "]" * 1_000)],
}
BAD_IMPRESSION: dict[str, list[Any]] = {
    "impression_id": [ABSENT, *BAD_IDS],
    "artwork_id": [ABSENT, *BAD_IDS],
    "seen_at": [ABSENT, *BAD_TIMES],
    "pool_id": BAD_IDS,
    "dwell_ms": BAD_INTEGERS,
    "visible": [
        *(-0.001, -0.1, 1.001, 1.01, 2, -1, True, False, "0.5", "1", None, [], 10**30, *GIANTS),
        *map(Json, ("1e1", "-1e-9", "1.0000001")),
    ],
    "position": BAD_INTEGERS,
    "surface": BAD_IDS,
}


def cases(table: dict[str, list[Any]]) -> list[Any]:
    """Return one case per value; its id is the field and the value."""
    return [
        pytest.param(name, value, id=f"{name}={'absent' if value is ABSENT else repr(value)[:24]}")
        for name, values in table.items()
        for value in values
    ]


def text_of(row: Row, name: str, value: Any) -> str:
    """Return the object as JSON with one field changed."""
    if value is ABSENT:
        return json.dumps(without(row, name))
    if isinstance(value, Json):
        return json.dumps(row | {name: "?"}).replace('"?"', value)
    return json.dumps(row | {name: value})


def shown(value: Any) -> Any:
    """Return the value that a row must hold."""
    return json.loads(value) if isinstance(value, Json) else value


@pytest.mark.parametrize(("name", "value"), cases(GOOD_FLUSH))
def test_a_good_field_of_a_flush_is_accepted(judge: Implementation, name: str, value: Any) -> None:
    found = judge(log(text_of(flush(), name, value).encode()))
    assert found.letters == "f"
    row = found.accepted[0] if name == "session_id" else found.ledger[0]
    if value is ABSENT:
        defaults = {"transport": "sdk", "reason": "manual", "tier": "free", "experiments": {}, "session_id": ""}
        defaults["client"] = ""
        assert getattr(row, name, None) == defaults.get(name)
    elif name == "telemetry":
        ledger = found.ledger[0]
        told = {name: value.get(name, 0) for name in ("attempts", "failures", "queued", "dropped")}
        assert told == {name: getattr(ledger, name) for name in told}
    elif name != "unknown":
        assert getattr(row, name) == shown(value)


@pytest.mark.parametrize(("name", "value"), cases(BAD_FLUSH))
def test_a_wrong_field_of_a_flush_rejects_the_line(judge: Implementation, name: str, value: Any) -> None:
    line = text_of(flush(), name, value).encode()
    found = judge(log(line))
    (rejected,), (row,) = found.rejected, found.ledger
    assert (rejected.reason, rejected.idx, rejected.payload) == ("invalid", -1, digest(line))
    assert rejected.detail
    assert (row.received, row.rejected, row.transport, row.experiments, row.sent_at) == (1, 1, "", {}, 0)
    assert row.client == ""
    assert row.flush_id == ("" if name == "flush_id" else "f1")
    assert row.user_id == rejected.user_id == ("" if name == "user_id" else "u1")


def test_for_a_line_rejected_whole_the_ledger_has_only_its_ids(judge: Implementation) -> None:
    more = {"experiments": {"a": "b"}, "telemetry": {"attempts": 1}, "tier": "pro", "session_id": "s"}
    more["client"] = "firefox-153"
    (row,) = judge(log(json.dumps(flush(flush_id="", sent_at=-1, **more)).encode())).ledger
    assert (row.flush_id, row.user_id, row.tier, row.experiments) == ("", "u1", "", {})
    assert (row.client, row.attempts, row.sent_at) == ("", 0, 0)


@pytest.mark.parametrize(("name", "value"), cases(GOOD_IMPRESSION))
def test_a_good_field_of_an_impression_is_accepted(judge: Implementation, name: str, value: Any) -> None:
    line = json.dumps(flush(impressions=["MARK"])).replace('"MARK"', text_of(impression(), name, value))
    found = judge(log(line.encode()))
    (row,) = found.accepted
    if value is ABSENT:
        assert getattr(row, name) == (None if name in ("dwell_ms", "visible", "position") else "")
    elif name != "unknown":
        assert getattr(row, name) == shown(value)


ELEMENTS = ["null", "1", "[]", '"x"', "{}", "true", "1e999", "9" * 5_000]


@pytest.mark.parametrize(
    "bad",
    [
        *(pytest.param(text_of(impression(), *case.values), id=case.id) for case in cases(BAD_IMPRESSION)),
        *(pytest.param(element, id=element[:8]) for element in ELEMENTS),
    ],
)
def test_a_bad_impression_is_rejected_alone_with_its_exact_bytes(judge: Implementation, bad: str) -> None:
    exact = bad.replace(", ", " ,\t")
    good, other = (json.dumps(impression(artwork_id=artwork_id)) for artwork_id in ("a2", "a3"))
    line = json.dumps(flush(impressions=["MARK"])).replace('"MARK"', f"{good},  {exact} , {other}")
    found = judge(log(line.encode()))
    (rejected,), (row,) = found.rejected, found.ledger
    assert [each.idx for each in found.accepted] == [0, 2]
    assert (rejected.reason, rejected.idx, rejected.user_id, rejected.detail) == ("invalid", 1, "u1", True)
    assert (rejected.payload, rejected.payload_bytes) == (digest(exact.encode()), len(exact.encode()))
    assert (row.received, row.accepted, row.rejected) == (3, 2, 1)


def test_a_flush_with_only_bad_impressions_is_not_an_invalid_flush(judge: Implementation) -> None:
    found = judge(log(json.dumps(flush(impressions=[1, 2])).encode()))
    assert [(row.reason, row.idx) for row in found.rejected] == [("invalid", 0), ("invalid", 1)]
    assert found.ledger[0].flush_id == "f1"


HEAD = '{"v":1,"flush_id":"f1","user_id":"u1","sent_at":1,'
DEEP = "[" * 1_000 + "]" * 1_000
SPANS: dict[str, tuple[str, list[str]]] = {
    "white space": ('"impressions" :\t[ {"a": 1 } ,\r{"b":2}\t] }', ['{"a": 1 }', '{"b":2}']),
    "number formats": ('"impressions":[1e3,-0,1.50,100,-0.0]}', ["1e3", "-0", "1.50", "100", "-0.0"]),
    "giants": ('"x":1e999,"impressions":[1e999,' + "9" * 5000 + "]}", ["1e999", "9" * 5000]),
    "scalars": ('"impressions":[null,true,"]",[]]}', ["null", "true", '"]"', "[]"]),
    "escapes": ('"impressions":["\\u0061\\"]\\ud83d\\ude00","\\u00e9"]}', ['"\\u0061\\"]\\ud83d\\ude00"', '"\\u00e9"']),
    "beyond ASCII": ('"ä":"é[","impressions":["ü😀",1,{"é":"ü"}]}', ['"ü😀"', "1", '{"é":"ü"}']),
    "brackets in strings": ('"impressions":[{"a" : [1, "]"]} ,{"b":"}\\""}]}', ['{"a" : [1, "]"]}', '{"b":"}\\""}']),
    "nested arrays": ('"impressions":[[[1],[2]],{"a":[{}]}]}', ["[[1],[2]]", '{"a":[{}]}']),
    "deep elements": (f'"impressions":[{DEEP},2]}}', [DEEP, "2"]),
    "beside deep values": (f'"x":{DEEP},"impressions":[{{"y":{DEEP}}}]}}', [f'{{"y":{DEEP}}}']),
    "the same key nested before": ('"x":{"impressions":[1]},"impressions":[2]}', ["2"]),
    "the same key nested after": ('"impressions":[2],"x":[{"impressions":[1]}]}', ["2"]),
    "the same key in an element": ('"impressions":[{"impressions":[1,2]}]}', ['{"impressions":[1,2]}']),
    "the same word as a value": ('"x":"impressions","impressions":[1]}', ["1"]),
    "twice: the last wins": ('"impressions":[1],"impressions":[2,3]}', ["2", "3"]),
    "twice: the first is not an array": ('"impressions":{"a":[9]},"impressions":[2]}', ["2"]),
    "escaped key": ('"\\u0069mpressions":[1]}', ["1"]),
    "escaped key last": ('"impressions":[0],"\\u0069mpressions":[1]}', ["1"]),
    "all together": (
        '"impressions":[1],"impre\\u0073sions":[{"a": "]"} , [ ]],"z":{"impressions":[3]}}',
        ['{"a": "]"}', "[ ]"],
    ),
}


@pytest.mark.parametrize(("text", "spans"), SPANS.values(), ids=SPANS)
def test_payloads_are_the_producers_own_bytes(judge: Implementation, text: str, spans: list[str]) -> None:
    found = judge(log((HEAD + text).encode()))
    assert [(row.idx, row.payload) for row in found.rejected] == [
        (idx, digest(span.encode())) for idx, span in enumerate(spans)
    ]
