"""One file's records as impressions, bad rows and other events."""

from array import array
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from sys import intern
from typing import Any

from impression_streams import encode
from impression_streams.ids import derived_id, new_id
from streams.errors import UserError
from streams.produce import fields
from streams.produce.columns import REQUIRED, Columns
from streams.produce.paths import Place, elements
from streams.produce.presets import look_alikes
from streams.produce.rows import BadRow, Item, OtherEvent, Row
from streams.produce.tally import Tally
from streams.produce.times import TimeColumn

# What trackers call the name of an event. A `type` names one only where nothing else does, and says nothing about the
# records that have an artwork: there it is often the artwork's own.
EVENT_FIELDS = ("event", "event_name", "eventName", "event_type", "type")
# Kinds of events beyond these are bad rows at once: so many names are no names of events.
MOST_KINDS = 1_000
# Of a file's columns this many are named in an error.
SHOWN_COLUMNS = 40
SAMPLED = 100
MOST_LEAVES = 1_000


class Binding:
    """Turns the records of a file into items: `items` for each record, then `close`.

    `available` are the file's columns; None means that any record may have others, as in NDJSON.
    """

    def __init__(self, columns: Columns, source: str, available: Collection[str] | None, tally: Tally) -> None:
        self._columns, self._source, self._tally = columns, source, tally
        self._null_words = columns.null_words
        self._sparse = available is None
        places = columns.places(available or ())
        readers = columns.readers()
        self._time_place, self._artwork = places.pop("seen_at"), places["artwork_id"]
        if available is not None:
            places = {name: place for name, place in places.items() if place.is_in(available)}
        self._bound = [(name, place, readers[name]) for name, place in places.items()]
        self._where = [(Place.parse(text, available or ()), values) for text, values in columns.where]
        read = [*places.values(), self._time_place, *(place for place, _ in self._where)]
        self.columns = {root for place in read for root in place.roots} | {*EVENT_FIELDS}
        self._each = next((place.each for place in read if place.each), "")
        self._chosen: set[str] = set()  # the places of --where that had a value
        if absent := [place.text for place, _ in self._where if available is not None and not place.is_in(available)]:
            raise UserError(_no_choice(source, absent, available or ()))
        self._times = TimeColumn(columns.times, source, self._time_place.text)
        self._names: dict[str, None] = {}
        self._sampled = self._matched = 0
        self._found: set[str] = set()
        self._kind = ""  # of the events that have an artwork
        self._waiting: dict[str, array[int]] = {}  # kinds of events and the rows without an artwork

    def is_row(self, record: Mapping[str, Any]) -> bool:
        """Say whether the record would be an impression, without any effect."""
        try:
            found = self._read(record, None)
            _check({**found, "seen_at": 0})
            self._times.parse(self._time_place.get(record))
        except ValueError:
            return False
        return True

    def names_artwork(self, record: Mapping[str, Any]) -> bool:
        """Say whether the record itself names an artwork; a flush doesn't."""
        return bool(self._each) or self._artwork.get(record) is not None

    def items(self, number: int, record: Mapping[str, Any]) -> Iterator[Item]:
        """Yield what the record is. Raises UserError where the file as a whole can't be read."""
        kind, named_by = _kind(record)
        if self._sparse and self._sampled < SAMPLED:
            self._sampled += 1
            self._names.update(dict.fromkeys(islice(_leaves(record), MOST_LEAVES)))
        if not self._is_chosen(record, None, ""):
            self._tally.rows += 1
            yield OtherEvent(self._source, number, kind or "not matching --where")
            return
        found = elements(record, self._each) if self._each else None
        if found == []:
            self._tally.rows += 1
            yield BadRow(self._source, number, f"{self._each}: an empty list")
            return
        for index, element in enumerate(found or [None]):
            if self._tally.full:
                return
            self._tally.rows += 1
            name, by = kind, named_by
            if isinstance(element, dict) and (inner := _kind(element))[1] not in ("", "type"):
                name, by = inner[0], f"{self._each}[].{inner[1]}"
            if self._each and not self._is_chosen(record, element, self._each):
                yield OtherEvent(self._source, number, name or "not matching --where")
                continue
            self._matched += 1
            item = self._item(number, record, element, index if found else -1, name, by)
            if item is not None:
                yield item

    def _is_chosen(self, record: Mapping[str, Any], element: Any, each: str) -> bool:
        """Say whether the places of --where, of the record or of a list's element, have one of their values."""
        chosen = True
        for place, values in self._where:
            if place.each == each:
                value = place.get(record, element)
                if value is not None:
                    self._chosen.add(place.text)
                chosen = chosen and value is not None and str(value) in values
        return chosen

    def _item(
        self, number: int, record: Mapping[str, Any], element: Any, index: int, kind: str, named_by: str
    ) -> Item | None:
        if kind and not self._where:
            if fields.is_absent(self._artwork.get(record, element), self._null_words):
                if kind in self._waiting or len(self._waiting) < MOST_KINDS:
                    self._waiting.setdefault(kind, array("Q")).append(number)
                    return None
            elif named_by != "type":
                self._one_kind(kind, named_by)
        try:
            found = self._read(record, element)
            value = self._time_place.get(record, element)
            if not fields.is_absent(value, self._null_words):
                self._found.add("seen_at")
                found["seen_at"] = value
            _check(found)
            try:
                found["seen_at"] = self._times.read(number, value)
            except ValueError as error:
                raise ValueError(f"seen_at: {error}") from None
            return self.make(number, found, index)
        except ValueError as error:
            return BadRow(self._source, number, self._hinted(str(error), record, element))

    def _hinted(self, reason: str, record: Mapping[str, Any], element: Any) -> str:
        """Return the reason with what to do about the bad row on a command line."""
        # The SDK says it in terms of Python.
        reason = reason.replace("to_id makes one of any text", "--encode FIELD makes one of any text")
        if reason.endswith(": missing"):
            places = [place for name, place, _ in self._bound if name in REQUIRED] + [self._time_place]
            words = [word for place in places if isinstance(word := place.get(record, element), str) and word.strip()]
            if word := next((word for word in words if word.strip() in self._null_words), ""):
                return f"{reason} ({word.strip()} is a word for no value; --null names others)"
        return reason

    def _read(self, record: Mapping[str, Any], element: Any) -> dict[str, Any]:
        """Return the fields but seen_at. Raises ValueError that names the field."""
        found: dict[str, Any] = {}
        wrong = ""
        for name, place, reader in self._bound:
            value = place.get(record, element)
            if value is None or fields.is_absent(value, self._null_words):
                continue
            self._found.add(name)
            try:
                found[name] = reader(value)
            except ValueError as error:
                wrong = wrong or f"{name}: {error}"
        if wrong:
            raise ValueError(wrong)
        return found

    def make(self, number: int, found: dict[str, Any], index: int = -1) -> Row:
        """Return the row of an impression's fields, including session_id and a checked user_id. Raises ValueError.

        `index` is the element's in a list that the record has, -1 if the record is one impression.
        """
        user_id, seen_at = found.pop("user_id"), found.pop("seen_at")
        session_id = found.pop("session_id", "")
        if self._columns.pool_id:
            found.setdefault("pool_id", self._columns.pool_id)
        part = () if index < 0 else (index,)
        if self._columns.new_ids:
            found["impression_id"] = new_id()
        elif "impression_id" not in found:
            found["impression_id"] = derived_id(self._source, number, *part, user_id, found["artwork_id"], seen_at)
        elif part:  # the id of a record is not the id of each of its impressions
            found["impression_id"] += f".{index}"
        if session_id:
            encode.check_id("session_id", session_id)
        encode.impression_json({**found, "seen_at": seen_at})
        found["artwork_id"] = intern(found["artwork_id"])  # a log repeats few users and artworks many times
        return Row(self._source, number, intern(user_id), seen_at, found, session_id)

    def _one_kind(self, kind: str, named_by: str) -> None:
        if self._kind and kind != self._kind:
            raise UserError(
                f"{self._source} has events of several kinds with an artwork, {self._kind} and {kind}: say which are"
                f" impressions, as --where {named_by}={self._kind}, or name several with a comma between."
            )
        self._kind = kind

    def close(self) -> Iterator[Item]:
        """Yield what could be judged only at the file's end. Raises UserError for a column that no record has."""
        absent = [place.text for place, _ in self._where if place.text not in self._chosen]
        if self._sparse and self._sampled and absent and not self._tally.full:
            raise UserError(_no_choice(self._source, absent, self._names))
        if self._sparse and self._matched and not self._tally.full:
            wanted = [name for name in self._columns.wanted() if name not in self._found]
            places = self._columns.places()
            if missing := [name for name in wanted if not places[name].is_named(self._names)]:
                raise UserError(lacking(self._source, missing, self._names))
        self._times.close()
        for kind, numbers in self._waiting.items():
            for number in numbers:
                if kind == self._kind:
                    yield BadRow(self._source, number, "artwork_id: missing")
                else:
                    yield OtherEvent(self._source, number, kind)


def lacking(source: str, missing: Collection[str], names: Collection[str], hint: str = "") -> str:
    """Return the sentence about columns that a file lacks: it names those that it has, and the options to give."""
    preset = "".join(f", or --preset {name}" for name in look_alikes(names))
    example = " ".join(f"--map {name}=COLUMN" for name in missing)
    shown = ", ".join(list(names)[:SHOWN_COLUMNS]) or "none"
    more = f" and {len(names) - SHOWN_COLUMNS} more" if len(names) > SHOWN_COLUMNS else ""
    return f"{source} has no column for {', '.join(missing)}: it has {shown}{more}; say {example}{preset}{hint}."


def _no_choice(source: str, absent: Collection[str], names: Collection[str]) -> str:
    return f"{source} has no column for --where {', '.join(absent)}: it has {', '.join(list(names)[:SHOWN_COLUMNS])}."


def _check(found: Mapping[str, Any]) -> None:
    if missing := [name for name in REQUIRED if name not in found]:
        raise ValueError(f"{', '.join(missing)}: missing")
    encode.check_id("user_id", found["user_id"])
    encode.check_id("artwork_id", found["artwork_id"])


def _kind(record: Mapping[str, Any]) -> tuple[str, str]:
    """Return the name of the event that a record is, and the field that says so; "" if none does."""
    for name in EVENT_FIELDS:
        if isinstance(value := record.get(name), str) and value:
            return value[:128], name
    return "", ""


def _leaves(record: Mapping[str, Any], before: str = "", depth: int = 4) -> Iterator[str]:
    """Yield the paths of a record's values."""
    for name, value in record.items():
        inner = value[0] if isinstance(value, list) and value else value
        if isinstance(inner, dict) and inner and depth:
            yield from _leaves(inner, f"{before}{name}{'' if inner is value else '[]'}.", depth - 1)
        else:
            yield f"{before}{name}"
