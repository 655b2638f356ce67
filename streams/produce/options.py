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
from streams.produce.csvfile import Dialect
from streams.produce.presets import PRESETS, Preset
from streams.produce.rows import Format
from streams.produce.source import check_encoding
from streams.produce.times import PER_SECOND, TimeRule, TimeUnit, milliseconds

_UNITS = {"ms": timedelta(milliseconds=1), "s": timedelta(seconds=1), "m": timedelta(minutes=1)}
UNITS = {**_UNITS, "h": timedelta(hours=1), "d": timedelta(days=1)}
# Characters that are awkward to type in a shell.
NAMED = {"tab": "\t", r"\t": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|", "none": ""}


@dataclass(frozen=True)
class ProduceOptions:
    """How to play files. Times are ms; `speed` is event seconds per wall second, None for the broker's best."""

    columns: Columns = field(default_factory=Columns)
    dialect: Dialect = field(default_factory=Dialect)
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
        preset: str | None = None,
        maps: Sequence[str] = (),
        where: Sequence[str] = (),
        null: Sequence[str] = (),
        encode: Sequence[str] = (),
        artwork_format: str = "{}",
        user_format: str = "{}",
        time_unit: str | None = None,
        time_format: str | None = None,
        time_zone: str = "UTC",
        time_origin: str | None = None,
        file_format: Format | None = None,
        encoding: str = "",
        delimiter: str | None = None,
        quote: str | None = None,
        header: str = "",
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
        kind = parse_preset(preset)
        if file_format not in (None, "csv", "ndjson", "parquet"):
            raise UserError(f"--format takes csv, ndjson or parquet, not {file_format!r}.")
        mapped = parse_maps(maps)
        columns = Columns(
            names={**kind.names, **mapped},
            times=parse_times(kind, time_unit, time_format, time_zone, time_origin),
            artwork_format=artwork_format,
            user_format=user_format,
            pool_id=pool,
            new_ids=new_ids,
            null_words=frozenset(null or fields.NULL_WORDS),
            where=tuple(map(parse_where, where)) or kind.where,
            may_lack=kind.may_lack - mapped.keys(),
            mark=kind.mark,
            encoded=frozenset(encode),
        )
        return cls(
            columns=columns,
            dialect=Dialect(
                check_encoding(encoding) if encoding else "",
                kind.delimiter if delimiter is None else NAMED.get(delimiter, delimiter),
                kind.quote if quote is None else NAMED.get(quote, quote),
                tuple(name.strip() for name in header.split(",")) if header else kind.header,
                kind.unnamed,
            ),
            file_format=file_format,
            rebase_to=None if rebase_to is None else parse_instant(rebase_to, "--rebase-to takes now or"),
            compress_to=None if compress_to is None else parse_duration(compress_to),
            speed=parse_speed(speed),
            batch=batch,
            tier=tier,
            limit=limit,
            dry_run=dry_run,
            strict=strict,
        )


def parse_preset(name: str | None) -> Preset:
    """Return the preset of a name, an empty one for none. Raises UserError."""
    if name is None:
        return Preset("")
    if name not in PRESETS:
        raise UserError(f"--preset takes {', '.join(PRESETS)}, not {name!r}.")
    return PRESETS[name]


def parse_times(kind: Preset, unit: str | None, pattern: str | None, zone: str, origin: str | None) -> TimeRule:
    """Return how times are written. Raises UserError."""
    if unit not in (None, "auto", *PER_SECOND):
        raise UserError(f"--time-unit takes auto, {', '.join(PER_SECOND)}, not {unit!r}.")
    if unit not in (None, "auto") and pattern:
        raise UserError("--time-unit is for numbers and --time-format for dates: say one of them.")
    if pattern is not None and "%" not in pattern:
        raise UserError(f"--time-format takes a format as %d/%m/%Y %H:%M:%S, not {pattern!r}.")
    if unit is not None or pattern is not None:  # of the column, which is then not the preset's
        kind = Preset("")
    start = kind.time_origin if origin is None else parse_instant(origin, "--time-origin takes")
    found: TimeUnit = kind.time_unit if unit is None else unit
    return TimeRule(found, pattern or kind.time_format, zone, start)


def parse_maps(words: Sequence[str]) -> dict[str, str]:
    """Return the place of each field, from words like user_id=user; surface= is none. Raises UserError."""
    names: dict[str, str] = {}
    for word in words:
        name, equals, place = word.partition("=")
        if not (name and equals):
            raise UserError(f"--map takes FIELD=COLUMN, as user_id=user, not {word!r}.")
        if name in names:
            raise UserError(f"--map names {name} twice.")
        names[name] = place
    return names


def parse_where(word: str) -> tuple[str, tuple[str, ...]]:
    """Return a place and the values that it may have, from a word like event=seen,shown. Raises UserError."""
    place, equals, values = word.partition("=")
    if not (place and equals and values):
        raise UserError(f"--where takes COLUMN=VALUE, as event=artwork_seen, not {word!r}.")
    return place, tuple(values.split(","))


def parse_instant(word: str, option: str) -> int:
    """Return the time (ms) of an ISO 8601 text (UTC if without a zone), or of "now". Raises UserError."""
    if word == "now":
        return now_ms()
    try:
        return milliseconds(word, TimeRule())
    except ValueError:
        raise UserError(f"{option} a time as 2026-01-31T12:00:00Z, not {word!r}.") from None


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
