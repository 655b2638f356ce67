"""What the collector answers: verdicts as JSON, problems as RFC 9457's problem+json, each with its headers."""

from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import NamedTuple

import orjson

from streams.collector.rules.bodies import BodyError
from streams.collector.rules.reading import Reading

# On every answer: other sites' pages may read it (CORS says which), no browser guesses its type, no index keeps it.
SAFETY_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-robots-tag", b"noindex"),
]
# A wait is made longer by up to so much of itself, so that those who were refused together don't come back together.
JITTER = 0.5
MOST_WAIT_SECONDS = 3_600
TOO_MUCH_OF_A_USER = "too many impressions of a user; nothing was recorded, and what isn't named may be sent at once"

_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", b"application/problem+json")


class Answer(NamedTuple):
    """An answer; its headers have Content-Type and Content-Length, and Retry-After where one is due."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def of_reading(reading: Reading) -> Answer:
    """Answer for what was read: 202 with the verdicts if something goes to the log, otherwise 403 or 400 with them.

    The 202 must not be sent before the brokers have acknowledged the reading's lines.
    """
    rejected = [{"line": each.line, "index": each.index, "reason": each.reason} for each in reading.rejected]
    if reading.forbidden:
        detail = reading.token_error or "the token doesn't cover any of these flushes; none of them was recorded"
        return problem(403, "unauthorised", detail, rejected=rejected, token=reading.token_reason)
    if reading.empty:
        return problem(400, "unreadable", "nothing in the body is a flush with a valid user_id", rejected=rejected)
    return _answer(202, _JSON, {"accepted": reading.accepted, "rejected": rejected})


def of_limited(reading: Reading, waits: Mapping[str, float], chance: float) -> Answer:
    """Answer for users with too many impressions: 429, each named with its lines and how long it has to wait (s).

    Nothing of the body was recorded. Retry-After holds for all of it; what isn't named may be sent by itself at once.
    `chance` is in [0, 1).
    """
    lines: dict[str, list[int]] = {user: [] for user in waits}
    for each in reading.logged:
        if each.user_id in lines:
            lines[each.user_id].append(each.line)
    limited = [
        {"user_id": user, "lines": numbers, "retry_after": _whole(waits[user])} for user, numbers in lines.items()
    ]
    later = retry_after(max(waits.values()), chance)
    return problem(429, "limit", TOO_MUCH_OF_A_USER, retry_after=later, limited=limited)


def of_error(error: BodyError) -> Answer:
    """Answer for a body that can't be taken: 400, 413 or 415."""
    return problem(error.status, error.reason, error.detail)


def problem(
    status: int,
    reason: str,
    detail: str,
    *,
    retry_after: str = "",
    rejected: list[dict[str, object]] | None = None,
    limited: list[dict[str, object]] | None = None,
    token: str = "",
) -> Answer:
    """Return a problem: `reason` is a word for programs, `detail` a sentence for people, neither with a payload.

    `token` is the word for what is wrong with a token, "" if nothing is.
    """
    value: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "reason": reason,
        "detail": detail,
    }
    if rejected:
        value["rejected"] = rejected
    if limited:
        value["limited"] = limited
    if token:
        value["token"] = token
    answer = _answer(status, _PROBLEM, value)
    if retry_after:
        answer.headers.append((b"retry-after", retry_after.encode()))
    return answer


def retry_after(seconds: float, chance: float) -> str:
    """Return a Retry-After of at least `seconds`, and at most half as much more and a second; `chance` is in [0, 1).

    Whole seconds, at least 1 and at most an hour.
    """
    spread = 1 + max(seconds, 1) * JITTER
    return str(_whole(seconds + chance * spread))


def _whole(seconds: float) -> int:
    return min(max(ceil(seconds), 1), MOST_WAIT_SECONDS)


def _answer(status: int, content_type: tuple[bytes, bytes], value: object) -> Answer:
    body = orjson.dumps(value)
    return Answer(status, [content_type, (b"content-length", str(len(body)).encode()), *SAFETY_HEADERS], body)
