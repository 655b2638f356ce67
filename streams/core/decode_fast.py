"""The short way from a line to a flush: for lines as nearly all are, at a tenth of the time (docs/evidence).

It says yes only where `streams.core.decode` would give the same flush, and nothing otherwise: whatever is odd about a
line (escapes, text beyond ASCII, unknown fields, anything wrong) is judged there. The fields and their limits stand
once more here, in the terms of another library; property tests hold the two together.
"""

from collections.abc import Iterable
from itertools import chain
from typing import Annotated, Literal

from msgspec import Meta as Limits
from msgspec import MsgspecError, Struct, json

from impression_streams.types import (
    MAX_EXPERIMENTS,
    MAX_IMPRESSIONS,
    MAX_INTEGER,
    MAX_TIME_MS,
    FlushReason,
    Tier,
    Transport,
)
from streams.core.decode import MAX_LINE_BYTES

# The alphabet of ids is looked at for many of them at once, by `_are_ids`.
_Id = Annotated[str, Limits(min_length=1, max_length=128)]
_Integer = Annotated[int, Limits(ge=0, le=MAX_INTEGER)]
_TimeMs = Annotated[int, Limits(ge=0, le=MAX_TIME_MS)]
_Ratio = Annotated[float, Limits(ge=0, le=1)]

# Defaults are not validated: what is absent is "" or None, and a null is refused.
_NO_INTEGER: int = None  # type: ignore[assignment]
_NO_RATIO: float = None  # type: ignore[assignment]


class Impression(Struct, forbid_unknown_fields=True, gc=False):
    """As impression_streams.flush has it."""

    impression_id: _Id
    artwork_id: _Id
    seen_at: _TimeMs
    pool_id: _Id = ""
    dwell_ms: _Integer = _NO_INTEGER
    visible: _Ratio = _NO_RATIO
    position: _Integer = _NO_INTEGER
    surface: _Id = ""


class Telemetry(Struct, forbid_unknown_fields=True, gc=False, frozen=True):
    """As impression_streams.flush has it."""

    attempts: _Integer = 0
    failures: _Integer = 0
    queued: _Integer = 0
    dropped: _Integer = 0


class Flush(Struct, forbid_unknown_fields=True, gc=False):
    """As impression_streams.flush has it."""

    v: Literal[1]
    flush_id: _Id
    user_id: _Id
    sent_at: _TimeMs
    impressions: Annotated[list[Impression], Limits(min_length=1, max_length=MAX_IMPRESSIONS)]
    session_id: _Id = ""
    transport: Transport = "sdk"
    reason: FlushReason = "manual"
    tier: Tier = "free"
    experiments: Annotated[dict[_Id, _Id], Limits(max_length=MAX_EXPERIMENTS)] = {}
    telemetry: Telemetry = Telemetry()


_decode = json.Decoder(Flush).decode
_ID_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-"


def read(lines: Iterable[bytes]) -> list[Flush | None]:
    """Return the flush of each line, or None for a line that `decode` has to judge. No line raises."""
    flushes = [_read(line) for line in lines]
    if not _are_ids("".join([_ids(flush) for flush in flushes if flush is not None])):
        flushes = [flush if flush is None or _are_ids(_ids(flush)) else None for flush in flushes]
    return flushes


def _read(line: bytes) -> Flush | None:
    # Text that msgspec skips or takes as it is: none is left that JSON could trip over.
    if not line.isascii() or b"\\" in line or len(line) > MAX_LINE_BYTES:
        return None
    try:
        return _decode(line)
    except MsgspecError:
        return None


def _ids(flush: Flush) -> str:
    """All that must be ids, in one text; an absent one is no text."""
    texts = [flush.flush_id, flush.user_id, flush.session_id]
    for each in flush.impressions:
        texts += each.impression_id, each.artwork_id, each.pool_id, each.surface
    if flush.experiments:
        texts += chain.from_iterable(flush.experiments.items())
    return "".join(texts)


def _are_ids(text: str) -> bool:
    """Say whether a text, of ASCII, is made of an id's characters."""
    return not text.encode().translate(None, _ID_BYTES)
