"""Turn what a caller gives into the bytes of a line; what the stream would reject raises ValueError here.

A valid flush stays far below a line's limit of 1 MiB: 500 impressions with every field at its longest take 0.35 MiB
(tests/unit/sdk/test_encode.py), so a flush never has to be split.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NotRequired, Required, get_args

import orjson
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from typing_extensions import TypedDict

from impression_streams.flush import Flush, Impression
from impression_streams.types import FlushReason, Id

# The largest batch of impressions.v1 (topics.yaml). In a batch of one record that does not compress, up to 90 bytes
# surround key and value (61 are the batch's header, the rest lengths and deltas).
MAX_BATCH_BYTES = 4 * 1024 * 1024
MAX_RECORD_BYTES = MAX_BATCH_BYTES - 128

_FLUSH = TypeAdapter(Flush)
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9._:-]")
# Called for every impression, so without the adapters' own layer around the validator.
_ID = TypeAdapter(Id).validator


def _impression_fields() -> TypeAdapter[dict[str, object]]:
    """Return what checks an impression's fields as the model does, and returns the given ones without an object."""
    types: dict[str, object] = {}
    for name, field in Impression.model_fields.items():
        of_field: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        types[name] = Required[of_field] if field.is_required() else NotRequired[of_field]
    make: Any = TypedDict
    fields = make("ImpressionFields", types)
    fields.__pydantic_config__ = Impression.model_config
    return TypeAdapter(fields)


_IMPRESSION = _impression_fields()
_CHECK_IMPRESSION = _IMPRESSION.validator


def check_id(name: str, value: object) -> None:
    """Raise ValueError if `value` is not an id."""
    try:
        _ID.validate_python(value, strict=True)
    except ValidationError as error:
        raise ValueError(_describe(error, name)) from None


def check_reason(reason: str) -> None:
    """Raise ValueError if the contract does not list `reason`."""
    if reason not in get_args(FlushReason):
        raise ValueError(f"reason: one of {', '.join(get_args(FlushReason))} is expected")


def impression_json(fields: Mapping[str, object]) -> bytes:
    """Return an impression as JSON, without the fields that are None. Raises ValueError that names the field."""
    try:
        impression = _CHECK_IMPRESSION.validate_python({name: v for name, v in fields.items() if v is not None})
    except ValidationError as error:
        raise ValueError(_describe(error)) from None
    try:
        return orjson.dumps(impression)
    except TypeError:  # a float of a class of its own, such as numpy's
        return _IMPRESSION.dump_json(impression)


def check_flush(flush: Flush | Mapping[str, Any]) -> Flush:
    """Check every field of the flush and return it. Raises ValueError that names the field."""
    given = flush.model_dump(exclude_unset=True) if isinstance(flush, Flush) else dict(flush)
    try:
        return _FLUSH.validate_python(given)
    except ValidationError as error:
        raise ValueError(_describe(error)) from None


def flush_json(flush: Flush) -> bytes:
    """Return the line of a checked flush, without unknown fields, which the stream ignores."""
    return _FLUSH.dump_json(flush, exclude_unset=True)


def parse_flush(line: bytes) -> Flush:
    """Parse a line that this module made."""
    return _FLUSH.validate_json(line)


def open_line(header: Mapping[str, object], impressions: Sequence[bytes]) -> bytes:
    """Return a flush's line up to its telemetry, which is known only when it is sent (`close_line`)."""
    return orjson.dumps(header)[:-1] + b',"impressions":[' + b",".join(impressions) + b'],"telemetry":'


def close_line(line: bytes, *, attempts: int, queued: int, dropped: int) -> bytes:
    """Return the complete line: `attempts` includes this one, `queued` flushes wait after it, `dropped` is for good."""
    telemetry = {"attempts": attempts, "failures": attempts - 1, "queued": queued, "dropped": dropped}
    return line + orjson.dumps(telemetry) + b"}"


def check_record(value_size: int, key: str | None) -> None:
    """Raise ValueError for a record that a broker refuses: its limit is 4 MiB, framing included."""
    size = value_size + len((key or "").encode())
    if size > MAX_RECORD_BYTES:
        raise ValueError(f"the record has {size} bytes, {MAX_RECORD_BYTES} are allowed: send it as several")


def _describe(error: ValidationError, name: str = "") -> str:
    parts = error.errors(include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, part['loc'])) or name}: {_message(part)}" for part in parts[:5])


def _message(part: ErrorDetails) -> str:
    """Return what is wrong, without the value: it may be somebody's data."""
    if part["type"] != "string_pattern_mismatch":  # only ids have a pattern
        return part["msg"]
    given = part["input"]
    foreign = _NOT_IN_IDS.search(given)
    wrong = f"{foreign[0]!r} is not allowed" if foreign else f"it has {len(given)} characters"
    return f"{wrong}: an id is 1 to 128 of A-Z a-z 0-9 . _ : - (to_id makes one of any text)"
