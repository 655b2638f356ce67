"""Which column holds which field, and which of a log's records are impressions."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from impression_streams import encode, to_id
from streams.errors import UserError
from streams.produce import fields
from streams.produce.fields import NULL_WORDS
from streams.produce.paths import Place
from streams.produce.times import TimeRule

REQUIRED = ("user_id", "artwork_id", "seen_at")
OPTIONAL = ("impression_id", "pool_id", "session_id", "dwell_ms", "visible", "position", "surface")
ALL = (*REQUIRED, *OPTIONAL)
IDS = ("user_id", "artwork_id", "impression_id", "pool_id", "session_id", "surface")

Reader = Callable[[Any], Any]


@dataclass(frozen=True)
class Columns:
    """Where the fields are. `names` maps fields to places (`paths`), "" to none; others are read by their own name.

    `artwork_format` and `user_format` turn the log's values into ids: 'a{:04d}' turns 14 into a0014. Without a
    column for it, impression_id is derived from the file's name and the row's number and content, so the same file
    always gives the same ids; with `new_ids` every row gets a new one. A text of `null_words` is no value. Records
    that don't match `where`, a place and its values each, are not impressions. Places of `may_lack` need not be in
    a file. With a `mark`, an artwork's id ends before the last one: N7-1 is N7, clicked.
    The ids of `encoded` may have any characters (`to_id`). Raises UserError.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    times: TimeRule = field(default_factory=TimeRule)
    artwork_format: str = "{}"
    user_format: str = "{}"
    pool_id: str = ""  # for rows that have none
    new_ids: bool = False
    null_words: frozenset[str] = frozenset(NULL_WORDS)
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    may_lack: frozenset[str] = frozenset()
    mark: str = ""
    encoded: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.names) - {*ALL}):
            raise UserError(f"--map: {', '.join(unknown)} is not a field; {', '.join(ALL)} are.")
        if wrong := sorted(self.encoded - {*IDS}):
            raise UserError(f"--encode takes {', '.join(IDS)}, not {', '.join(wrong)}.")
        if none := [name for name in REQUIRED if self.names.get(name) == ""]:
            raise UserError(f"--map: {', '.join(none)} can't be left out.")
        places = [*self.names.values(), *(text for text, _ in self.where)]
        lists = {each for text in places if (each := Place.parse(text).each)}
        if len(lists) > 1:
            raise UserError(f"--map reads the elements of one list, not of {' and '.join(sorted(lists))}.")
        try:
            fields.formatter(self.artwork_format)
            fields.formatter(self.user_format)
            if self.pool_id:
                encode.check_id("--pool", self.pool_id)
        except ValueError as error:
            raise UserError(f"{error}.") from None

    def places(self, available: Collection[str] = ()) -> dict[str, Place]:
        """Return where each field is in a file with these columns."""
        names = {name: self.names.get(name, name) for name in ALL}
        return {name: Place.parse(text, available) for name, text in names.items() if text}

    def wanted(self) -> list[str]:
        """Return the fields that a file must have: the required ones, and those that were mapped."""
        return [name for name in ALL if name in REQUIRED or (self.names.get(name) and name not in self.may_lack)]

    def missing(self, available: Collection[str]) -> list[str]:
        """Return the wanted fields that a file with these columns lacks."""
        places = self.places(available)
        return [name for name in self.wanted() if not places[name].is_in(available)]

    def readers(self) -> dict[str, Reader]:
        """Return what turns the value of each field but the time into the contract's."""
        readers: dict[str, Reader] = {
            **dict.fromkeys(ALL, fields.text),
            "dwell_ms": fields.integer,
            "position": fields.integer,
            "visible": fields.share,
            "artwork_id": _formatted(self.artwork_format, self.mark),
            "user_id": _formatted(self.user_format),
        }
        return {**readers, **{name: _encoded(readers[name]) for name in self.encoded}}


def _formatted(pattern: str, mark: str = "") -> Reader:
    apply = fields.formatter(pattern)
    if mark:
        return lambda value: apply(fields.text(value).rpartition(mark)[0] or fields.text(value))
    return fields.text if pattern == "{}" else lambda value: apply(fields.text(value))


def _encoded(reader: Reader) -> Reader:
    return lambda value: to_id(reader(value))
