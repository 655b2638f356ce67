"""Lines and impressions that break section 3 of the contract, one of every kind."""

from random import Random

from demo.plan.drafts import Draft, compact, new_id
from demo.plan.sending import Fields

# The broker accepts records up to 4 MiB; the worker must reject a line above 1 MiB.
OVERSIZE_BYTES = 1024 * 1024 + 1
DEEP = 1100
WRONG_ID = "x" * 129


def malformed_values(draft: Draft) -> dict[str, bytes | None]:
    """Return record values by kind, each one a malformed line made from a good flush; None is a null value."""
    good = draft.encode()
    return {
        "null value": None,
        "empty record": b"",
        "empty line": b"\n",
        "bad UTF-8": good.replace(b'"user_id":"', b'"user_id":"\xff'),
        "UTF-8 surrogate": good.replace(b'"user_id":"', b'"user_id":"\xed\xa0\x80'),
        "byte order mark": b"\xef\xbb\xbf" + good,
        "NaN": _with(good, b'"extra":NaN'),
        "Infinity": _with(good, b'"extra":[-Infinity]'),
        "lone surrogate": _with(good, b'"extra":"\\ud800"'),
        "lone surrogate in a key": _with(good, b'"\\udfff":1'),
        "truncated JSON": good[: len(good) // 2],
        "array": b"[" + good + b"]",
        "two objects": good + b" " + good,
        "plain text": b"GET /v1/impressions HTTP/1.1\r",
        "deep nesting": _with(good, b'"extra":' + b"[" * DEEP + b"]" * DEEP),
        "unclosed nesting": b'{"a":' * 100_000,
        "malformed and large": good[:-1] + b" " * OVERSIZE_BYTES,
    }


def odd_values(draft: Draft) -> dict[str, bytes]:
    """Return flushes that look wrong but are valid, by kind."""
    good = draft.encode()
    return {
        "huge numbers in an unknown field": _with(good, b'"extra":[1e999,' + b"9" * 5000 + b"]"),
        "deepest nesting allowed": _with(good, b'"extra":' + b"[" * 1023 + b"]" * 1023),
        "carriage return": good + b"\r",
        "line feed at the end": good + b"\n",
        "spaces everywhere": good.replace(b",", b" ,\t").replace(b"[", b"[ "),
    }


def oversize_lines(draft: Draft, rng: Random) -> dict[str, bytes]:
    """Return lines that are JSON objects but too large, by kind."""
    good = draft.encode()
    many = Draft(draft.at, draft.fields | {"flush_id": new_id("f", rng)}, [])
    many.impressions = [{"impression_id": f"i{n}", "artwork_id": "a0001", "seen_at": draft.at} for n in range(501)]
    return {
        "501 impressions": many.encode(),
        "above 1 MiB": good[:-1] + b" " * (OVERSIZE_BYTES - len(good)) + b"}",
    }


INVALID_FLUSHES: dict[str, Fields] = {
    "wrong version": {"v": 2},
    "true as version": {"v": True},
    "flush_id of 129": {"flush_id": WRONG_ID},
    "empty flush_id": {"flush_id": ""},
    "user_id with a space": {"user_id": "u 1"},
    "user_id a number": {"user_id": 5},
    "negative sent_at": {"sent_at": -1},
    "absurd sent_at": {"sent_at": 10_000_000_000_000},
    "null session_id": {"session_id": None},
    "unknown transport": {"transport": "pigeon"},
    "unknown reason": {"reason": "whim"},
    "unknown tier": {"tier": "gold"},
    "17 experiments": {"experiments": {f"e{n}": "a" for n in range(17)}},
    "experiments a list": {"experiments": []},
    "telemetry with a fraction": {"telemetry": {"attempts": 1.5}},
    "telemetry null": {"telemetry": None},
}


def invalid_flushes(draft: Draft) -> dict[str, Draft]:
    """Return flushes by kind: with one invalid field of their own, or without impressions."""
    wrong = {
        kind: Draft(draft.at, draft.fields | fields, draft.impressions) for kind, fields in INVALID_FLUSHES.items()
    }
    without_user = {name: value for name, value in draft.fields.items() if name != "user_id"}
    return wrong | {
        "no impressions": Draft(draft.at, draft.fields, []),
        "no user_id": Draft(draft.at, without_user, draft.impressions),
    }


def invalid_impressions(seen_at: int) -> dict[str, str]:
    """Return the JSON of impressions with one invalid field, by kind."""
    good = compact({"impression_id": "i", "artwork_id": "a0001", "seen_at": seen_at, "position": 1, "visible": 0.5})
    time = str(seen_at)
    return {
        "not an object": "7",
        "null": "null",
        "empty object": "{}",
        "impression_id of 129": good.replace('"i"', f'"{WRONG_ID}"'),
        "artwork_id a number": good.replace('"a0001"', "1"),
        "artwork_id not ASCII": good.replace("a0001", "\u00e9"),
        "seen_at true": good.replace(time, "true"),
        "seen_at with an exponent": good.replace(time, "1e3"),
        "seen_at with a fraction": good.replace(time, f"{time}.0"),
        "seen_at a string": good.replace(time, f'"{time}"'),
        "seen_at negative": good.replace(time, "-1"),
        "seen_at absurd": good.replace(time, "10000000000000"),
        "position negative": good.replace('"position":1', '"position":-1'),
        "position 2^53": good.replace('"position":1', f'"position":{2**53}'),
        "position of 5,000 digits": good.replace('"position":1', '"position":' + "9" * 5000),
        "position null": good.replace('"position":1', '"position":null'),
        "visible above 1": good.replace("0.5", "1.01"),
        "visible 1e999": good.replace("0.5", "1e999"),
        "visible true": good.replace("0.5", "true"),
        "dwell_ms a fraction": good.replace('"position":1', '"dwell_ms":0.5'),
        "pool_id empty": good.replace('"position":1', '"pool_id":""'),
        "surface with spaces, and odd spacing": ' { "impression_id" : "i" , "surface" : "a b" }'[1:],
    }


def _with(line: bytes, member: bytes) -> bytes:
    return line[:-1] + b"," + member + b"}"
