"""Reads a record of `artworks.v1`: what it says about an artwork, or why it is refused (contract §4.5).

msgspec reads the common record; whatever it doesn't read, the model decides, and it alone refuses. The fields and their
limits are repeated here in msgspec's terms; a property test keeps the two in step.
"""

from typing import Annotated

import orjson
from msgspec import Meta as Limits
from msgspec import MsgspecError, Struct, json
from pydantic import TypeAdapter, ValidationError

from impression_streams.types import MAX_TIME_MS, Id
from streams.model.artwork import MAX_RECORD_BYTES, ArtworkRecord

_ID: TypeAdapter[str] = TypeAdapter(Id)
_ID_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-"
_LONGEST_ID = 128
# Of a key that isn't an id, in a refusal.
_SHOWN = 200


class Refusal(Struct, frozen=True):
    """A record that the catalogue refuses, and why."""

    artwork_id: str
    why: str


class Said(Struct, forbid_unknown_fields=True, gc=False):
    """A record's fields, as streams.model.artwork has them."""

    pool_id: Annotated[str, Limits(min_length=1, max_length=_LONGEST_ID)]
    ordinal: Annotated[int, Limits(ge=0, le=2**32 - 1)]
    artwork_id: Annotated[str, Limits(min_length=1, max_length=_LONGEST_ID)] = ""
    created_at: Annotated[int, Limits(ge=0, le=MAX_TIME_MS)] = 0
    retired: bool = False
    dna: list[float] = []


_decode = json.Decoder(Said).decode


def read(key: bytes | None, value: bytes | None) -> tuple[str, Said | None] | Refusal:
    """Return the artwork's id, and what the record says about it: None if it is a tombstone."""
    if value is not None and len(value) > MAX_RECORD_BYTES:
        return Refusal(_shown(key), f"the record has {len(value)} bytes, {MAX_RECORD_BYTES} are allowed")
    fast = _read_fast(key, value)
    if fast is not None:
        return fast
    try:
        artwork_id = _ID.validate_python((key or b"").decode())
        record = ArtworkRecord.model_validate(orjson.loads(value)) if value is not None else None
    except (ValidationError, ValueError) as error:
        return Refusal(_shown(key), f"not an artwork record: {error}".split("\n", 1)[0])
    if record is None:
        return artwork_id, None
    if record.artwork_id not in ("", artwork_id):
        return Refusal(artwork_id, "the value names a different artwork than the key")
    return artwork_id, Said(**record.model_dump())


def _read_fast(key: bytes | None, value: bytes | None) -> tuple[str, Said] | None:
    """Return the id and the fields of a common record, None for any other."""
    # msgspec skips or copies text without checking it: let through only text that can't be invalid JSON.
    if not key or value is None or len(key) > _LONGEST_ID or not value.isascii() or b"\\" in value:
        return None
    try:
        said = _decode(value)
    except MsgspecError:
        return None
    if key.translate(None, _ID_BYTES) or said.pool_id.encode().translate(None, _ID_BYTES):
        return None
    artwork_id = key.decode()
    return (artwork_id, said) if said.artwork_id in ("", artwork_id) else None


def _shown(key: bytes | None) -> str:
    return repr(key)[:_SHOWN]
