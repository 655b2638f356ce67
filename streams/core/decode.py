"""From a line to a flush, or to the reason for rejecting it (contract §3, "Judging")."""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from impression_streams.flush import Flush, Impression
from impression_streams.types import MAX_IMPRESSIONS, Id
from streams.core import decode_large
from streams.core.lines import MalformedLineError, impression_spans, parse

MAX_LINE_BYTES = 1024 * 1024
# Enough to repair a record, short enough that a hundred wrong fields don't make a long row.
MAX_DETAIL = 500

# The validator itself: `model_validate` would add a Python call for each line.
_FLUSH = Flush.__pydantic_validator__.validate_python
_ID: TypeAdapter[str] = TypeAdapter(Id)


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line rejected whole. `flush_id` and `user_id` are "" where they are not valid ids."""

    reason: str
    detail: str
    flush_id: str = ""
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class InvalidImpression:
    """An impression rejected on its own, with its bytes as they are in the line."""

    detail: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class DecodedFlush:
    """A readable flush; `impressions` keep the producer's order, invalid ones included."""

    flush: Flush
    impressions: list[Impression] | list[Impression | InvalidImpression]


def decode(line: bytes) -> DecodedFlush | RefusedLine:
    """Decode a line, checking in this order: malformed, oversize, invalid flush, invalid impressions."""
    try:
        if len(line) > MAX_LINE_BYTES:
            flush_id, user_id = decode_large.ids(line)
            detail = f"the line has {len(line)} bytes, {MAX_LINE_BYTES} are allowed"
            return RefusedLine("oversize", detail, _id_or_empty(flush_id), _id_or_empty(user_id))
        value = parse(line)
    except MalformedLineError as error:
        return RefusedLine("malformed", str(error)[:MAX_DETAIL])
    impressions = value.get("impressions")
    count = len(impressions) if type(impressions) is list else 0
    if count > MAX_IMPRESSIONS:
        return _refuse("oversize", f"{count} impressions, {MAX_IMPRESSIONS} are allowed", value)
    try:
        flush = _FLUSH(value)
        return DecodedFlush(flush, flush.impressions)
    except ValidationError as error:
        return _sort_out(line, value, error)


def _sort_out(line: bytes, value: dict[str, Any], error: ValidationError) -> DecodedFlush | RefusedLine:
    """Tell an invalid flush from a valid one that contains invalid impressions."""
    wrong: dict[int, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        match detail["loc"]:
            case ("impressions", int(index), *_):
                wrong.setdefault(index, []).append(detail)
            case _:
                return _refuse("invalid", _describe(error.errors(include_url=False)), value)
    elements: list[Any] = value["impressions"]
    spans = impression_spans(line)
    good = [element for index, element in enumerate(elements) if index not in wrong]
    # The flush's own fields are right. Without any good impression, a placeholder keeps the flush valid.
    flush = Flush.model_validate({**value, "impressions": good or [_PLACEHOLDER]})
    left = iter(flush.impressions)
    judged = [
        InvalidImpression(_describe(wrong[index]), spans[index]) if index in wrong else next(left)
        for index in range(len(elements))
    ]
    return DecodedFlush(flush, judged)


# Stands in for the impressions of a flush without a good one, so its own fields can be read.
_PLACEHOLDER = {"impression_id": "-", "artwork_id": "-", "seen_at": 0}


def _refuse(reason: str, detail: str, value: dict[str, Any]) -> RefusedLine:
    return RefusedLine(reason, detail, _id_or_empty(value.get("flush_id")), _id_or_empty(value.get("user_id")))


def _id_or_empty(value: object) -> str:
    try:
        return _ID.validate_python(value, strict=True)
    except ValidationError:
        return ""


def _describe(errors: list[ErrorDetails]) -> str:
    """Name the wrong fields and what they should be, but never their values."""
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'impression'}: {e['msg']}" for e in errors)[:MAX_DETAIL]
