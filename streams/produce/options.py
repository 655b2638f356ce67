"""The options of `impressions produce`, read from the command line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from impression_streams.ids import now_ms
from impression_streams.options import INTERVALS
from impression_streams.types import MAX_IMPRESSIONS, Tier
from streams.errors import UserError
from streams.produce import fields
from streams.produce.columns import Columns
from streams.produce.fields import TimeUnit
from streams.produce.readers import Format

_UNITS = {"ms": timedelta(milliseconds=1), "s": timedelta(seconds=1), "m": timedelta(minutes=1)}
UNITS = {**_UNITS, "h": timedelta(hours=1), "d": timedelta(days=1)}


@dataclass(frozen=True)
class ProduceOptions:
    """How to play files. Times are ms; `speed` is event seconds per wall second, None for the broker's best."""

    columns: Columns = field(default_factory=Columns)
    file_format: Format | None = None
    rebase_to: int | None = None
    compress_to: int | None = None
    speed: float | None = None
    batch: int = 200
    tier: Tier = "free"
    limit: int | None = None
    dry_run: bool = False
    strict: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.batch <= MAX_IMPRESSIONS:
            raise UserError(f"--batch takes 1 to {MAX_IMPRESSIONS}, not {self.batch}.")
        if self.tier not in INTERVALS:
            raise UserError(f"--tier takes {' or '.join(INTERVALS)}, not {self.tier!r}.")
        if self.limit is not None and self.limit < 1:
            raise UserError(f"--limit takes 1 or more, not {self.limit}.")

    @property
    def interval_ms(self) -> int:
        """Return the event time from a batch's first impression to its flush, which the tier sets."""
        return int(INTERVALS[self.tier] * 1000)

    @classmethod
    def parse(  # noqa: PLR0913 - each is one of the command's options
        cls,
        *,
        maps: Sequence[str] = (),
        artwork_format: str = "{}",
        user_format: str = "{}",
        time_unit: TimeUnit = "auto",
        file_format: Format | None = None,
        rebase_to: str | None = None,
        compress_to: str | None = None,
        speed: str = "max",
        batch: int = 200,
        pool: str = "",
        tier: Tier = "free",
        limit: int | None = None,
        dry_run: bool = False,
        strict: bool = False,
        new_ids: bool = False,
    ) -> Self:
        """Return the options. Raises UserError that names a wrong one and the values it allows."""
        if time_unit not in ("auto", *fields.PER_SECOND):
            raise UserError(f"--time-unit takes auto, {', '.join(fields.PER_SECOND)}, not {time_unit!r}.")
        if file_format not in (None, "csv", "ndjson", "parquet"):
            raise UserError(f"--format takes csv, ndjson or parquet, not {file_format!r}.")
        return cls(
            columns=Columns(parse_maps(maps), time_unit, artwork_format, user_format, pool, new_ids),
            file_format=file_format,
            rebase_to=None if rebase_to is None else parse_instant(rebase_to),
            compress_to=None if compress_to is None else parse_duration(compress_to),
            speed=parse_speed(speed),
            batch=batch,
            tier=tier,
            limit=limit,
            dry_run=dry_run,
            strict=strict,
        )


def parse_maps(words: Sequence[str]) -> dict[str, str]:
    """Return the column of each field, from words like user_id=user. Raises UserError."""
    names: dict[str, str] = {}
    for word in words:
        name, equals, column = word.partition("=")
        if not (name and equals and column):
            raise UserError(f"--map takes FIELD=COLUMN, as user_id=user, not {word!r}.")
        if name in names:
            raise UserError(f"--map names {name} twice.")
        names[name] = column
    return names


def parse_instant(word: str) -> int:
    """Return the time (ms) of "now" or of an ISO 8601 text (UTC if without a zone). Raises UserError."""
    if word == "now":
        return now_ms()
    try:
        return fields.milliseconds(word)
    except ValueError:
        raise UserError(f"--rebase-to takes now or a time as 2026-01-31T12:00:00Z, not {word!r}.") from None


def parse_duration(word: str) -> int:
    """Return the length (ms) of a text like 90s, 12h or 1.5d. Raises UserError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", word)
    length = int(float(found[1]) * UNITS[found[2]].total_seconds() * 1000) if found else 0
    if length < 1:
        raise UserError(f"--compress-to takes a length as 90s, 30m, 12h or 7d, not {word!r}.")
    return length


def parse_speed(word: str) -> float | None:
    """Return event seconds per wall second; None for max. Raises UserError."""
    if word == "max":
        return None
    try:
        speed = fields.number(word)
    except ValueError:
        speed = 0.0
    if speed <= 0:
        raise UserError(f"--speed takes max or a number above 0 (1 is real time), not {word!r}.")
    return speed
