"""What `impressions catalogue load` may be told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from streams.catalogue_load.columns import Columns
from streams.catalogue_load.files import Format
from streams.catalogue_load.values import NO_VALUE, PER_SECOND, TimeUnit
from streams.errors import UserError

FORMATS: tuple[Format, ...] = ("csv", "ndjson", "parquet")


@dataclass(frozen=True)
class LoadOptions:
    """How a file is read, and what is done with it."""

    columns: Columns = field(default_factory=Columns)
    file_format: Format | None = None
    delimiter: str | None = None
    dry_run: bool = False
    retire_missing: bool = False
    everything: bool = False
    """Show each difference and each bad row, not only the first ones."""

    @classmethod
    def parse(
        cls,
        *,
        maps: Sequence[str] = (),
        artwork_format: str = "{}",
        pool: str = "",
        time_unit: str | None = None,
        no_value: Sequence[str] = (),
        file_format: str | None = None,
        delimiter: str | None = None,
        **flags: bool,
    ) -> Self:
        """Return the options; `flags` are the class's own. Raises UserError that names a wrong one."""
        unit: TimeUnit | None = next((each for each in ("s", "ms", "us", "ns") if each == time_unit), None)
        if unit is None and time_unit is not None:
            raise UserError(f"--time-unit takes {', '.join(PER_SECOND)}, not {time_unit!r}.")
        chosen = next((each for each in FORMATS if each == file_format), None)
        if chosen is None and file_format is not None:
            raise UserError(f"--format takes {', '.join(FORMATS)}, not {file_format!r}.")
        words = frozenset(("", *no_value)) if no_value else frozenset(NO_VALUE)
        columns = Columns(_names(maps), artwork_format, pool, unit, words)
        return cls(columns, chosen, _delimiter(delimiter), **flags)


def _delimiter(word: str | None) -> str | None:
    """Return a character, from itself or the word tab. Raises UserError."""
    found = "\t" if word == "tab" else word
    if found is not None and (len(found) != 1 or found in '"\r\n'):
        raise UserError(f"--delimiter takes one character, or tab, not {word!r}.")
    return found


def _names(maps: Sequence[str]) -> dict[str, str]:
    """Return the column of each field, from words like artwork_id=sku. Raises UserError."""
    names: dict[str, str] = {}
    for word in maps:
        name, equals, column = word.partition("=")
        if not (name and equals and column):
            raise UserError(f"--map takes FIELD=COLUMN, as in artwork_id=sku, not {word!r}.")
        if name in names:
            raise UserError(f"--map names {name} twice.")
        names[name] = column
    return names
