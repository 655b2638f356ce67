"""What a collector's answer means for what was sent (contract §6). Pure: bytes and a clock in, a verdict out."""

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

import orjson

# A request's 1 MiB holds some 10,000 impressions, and 60 bytes name one; what is longer is no collector's answer.
MAX_ANSWER_BYTES = 4 * 1024 * 1024
# So much of what a server says about an error is repeated.
MAX_DETAIL = 200
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


class Outcome(Enum):
    """What is to be done with a request's records."""

    STORED = auto()  # done
    TOO_LARGE = auto()  # send them in smaller requests, or give up the one that is alone
    REFUSED = auto()  # the same request would be refused again
    UNAUTHORISED = auto()  # so would it, unless there is a new token
    AGAIN = auto()  # send the same request again


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it came."""

    status: int
    body: bytes
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A line that the answer names, or (`index` is not -1) an impression of it."""

    line: int
    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`detail` says in a sentence what was wrong; `wait` is what Retry-After asks for (s).

    `limited` are the lines that have to wait so long, if the collector has named them: the others needn't.
    """

    outcome: Outcome
    detail: str = ""
    wait: float | None = None
    rejected: tuple[Named, ...] = ()
    limited: frozenset[int] = frozenset()


_OUTCOMES: dict[int, Outcome] = {
    HTTPStatus.BAD_REQUEST: Outcome.REFUSED,
    HTTPStatus.UNAUTHORIZED: Outcome.UNAUTHORISED,
    HTTPStatus.FORBIDDEN: Outcome.UNAUTHORISED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Outcome.TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: Outcome.REFUSED,
}
_HINTS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "is there a token, and is it still valid?",
    HTTPStatus.FORBIDDEN: "is the token still valid, and one for these users?",
    HTTPStatus.NOT_FOUND: "is `endpoint` the collector's address?",
    HTTPStatus.METHOD_NOT_ALLOWED: "is `endpoint` the collector's address?",
}
FOREIGN = "but not as a collector does: is `endpoint` the collector's address?"


def judge(answer: Answer, lines: int, now: float) -> Verdict:
    """Return what the answer to a request of so many lines means; `now` is the wall clock (s since the epoch).

    A 2xx counts only in a collector's own form: a page that a proxy answers in its place has stored nothing.
    """
    said = f"the collector answered {describe(answer.status)}"
    if 200 <= answer.status < 300:
        rejected = _rejected(answer.body, lines)
        if rejected is None:
            return Verdict(Outcome.AGAIN, f"{said}, {FOREIGN}")
        return Verdict(Outcome.STORED, rejected=rejected)
    if detail := _detail(answer.body):
        said = f"{said}: {detail}"
    if 300 <= answer.status < 400:
        return Verdict(Outcome.AGAIN, f"{said} (redirects are not followed: give the address behind it as `endpoint`)")
    if hint := _HINTS.get(answer.status):
        said = f"{said} ({hint})"
    if outcome := _OUTCOMES.get(answer.status):
        return Verdict(outcome, said)
    limited = _limited(answer.body, lines) if answer.status == HTTPStatus.TOO_MANY_REQUESTS else frozenset[int]()
    return Verdict(Outcome.AGAIN, said, retry_after(answer.retry_after, now), limited=limited)


def describe(status: int) -> str:
    """Return a status with its name."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def retry_after(text: str | None, now: float) -> float | None:
    """Return the seconds that a header Retry-After asks to wait, given as such or as a date; None without one."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _rejected(body: bytes, lines: int) -> tuple[Named, ...] | None:
    """Return what the body names as rejected, None if it has not a collector's form."""
    try:
        found: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict) or type(found.get("accepted")) is not int:
        return None
    named = found.get("rejected")
    if not isinstance(named, list):
        return None
    result = tuple(_named(each) for each in named)
    if any(each is None or not 0 <= each.line < lines for each in result):
        return None
    return tuple(each for each in result if each is not None)


def _limited(body: bytes, lines: int) -> frozenset[int]:
    """Return the lines of users who have sent too much; none if it doesn't name them as a collector does."""
    try:
        found: Any = orjson.loads(body)
        named = [line for user in found["limited"] for line in user["lines"]]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        return frozenset()
    if any(type(line) is not int or not 0 <= line < lines for line in named):
        return frozenset()
    return frozenset(named)


def _named(each: Any) -> Named | None:
    if not isinstance(each, dict):
        return None
    line, index, reason = each.get("line"), each.get("index", -1), each.get("reason")
    if type(line) is not int or type(index) is not int or not isinstance(reason, str):
        return None
    return Named(line, max(-1, index), reason)


def _detail(body: bytes) -> str:
    """Return what a server says about an error, if it does so in a field of JSON."""
    try:
        found: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    fields = found if isinstance(found, dict) else {}
    texts = [fields.get(name) for name in ("detail", "error", "reason", "title")]
    text = next((each for each in texts if isinstance(each, str) and each), "")
    return " ".join(_UNPRINTABLE.sub(" ", text[:MAX_DETAIL]).split())
