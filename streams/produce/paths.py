"""Where a field stands in a record: a column, or a path into what is nested in one.

| written | means |
|---|---|
| `user` | the column of this name, whatever characters the name has |
| `properties.user` | into an object, a struct, or a text that is JSON |
| `contexts.0.id` | into a list, by position |
| `event_params.artwork` | into a list of keys and values, by key |
| `items[].id` | each element of a list: the record is as many impressions as the list has elements |
| `shown[]` | each element of a list of ids, or each word of a text |
| `a,b` | the first of several that has a value |
| `a+b` | one id made of several, for logs that name nobody: SHA-256 of the values, in 32 hex digits |
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Any

# Of a JSON text in a column this much is read.
MOST_JSON = 1 << 20
COMBINED_DIGITS = 32


@dataclass(frozen=True)
class Path:
    """One path. `each` is the list whose elements the rest is read from, or "" for one value a record."""

    text: str
    each: str = ""
    rest: str = ""

    @classmethod
    def parse(cls, text: str) -> "Path":
        """Return the path that a text names."""
        each, brackets, rest = text.partition("[]")
        return cls(text, each, rest.removeprefix(".")) if brackets else cls(text)

    @property
    def root(self) -> str:
        """Return the column that the path begins with."""
        return self.text.partition("[]")[0].partition(".")[0]

    def get(self, record: Mapping[str, Any], element: Any) -> Any:
        """Return the value, None if there is none. `element` is the one of the list that is being read."""
        if self.text in record:
            return record[self.text]
        if self.each:
            return _leaf(_walk(element, self.rest) if self.rest else element)
        return _leaf(_walk(record, self.text)) if "." in self.text else None


@dataclass(frozen=True)
class Place:
    """Where one field is read from: the first of `choices` whose paths all have a value."""

    text: str
    choices: tuple[tuple[Path, ...], ...]
    column: str = ""  # if it is no more than that

    @classmethod
    def parse(cls, text: str, available: Collection[str] = ()) -> "Place":
        """Return the place that a text names; a column that has this very name comes first."""
        if text in available:
            return cls(text, ((Path(text),),), text)
        choices = tuple(tuple(map(Path.parse, choice.split("+"))) for choice in text.split(","))
        return cls(text, choices, "" if set(text) & set(",+.[]") else text)

    @property
    def roots(self) -> set[str]:
        """Return the columns that are read, by their names and by the names of those that hold nested values."""
        return {name for choice in self.choices for path in choice for name in (path.text, path.root)}

    @property
    def each(self) -> str:
        """Return the list whose elements are read, or ""."""
        return next((path.each for choice in self.choices for path in choice if path.each), "")

    def is_in(self, available: Collection[str]) -> bool:
        """Say whether some choice may have a value in a file with these columns."""
        return any(all(path.text in available or path.root in available for path in c) for c in self.choices)

    def is_named(self, paths: Collection[str]) -> bool:
        """Say whether some path is one of these."""
        return any(path.text in paths for choice in self.choices for path in choice)

    def get(self, record: Mapping[str, Any], element: Any = None) -> Any:
        """Return the field's value, None if there is none."""
        if self.column:
            return record.get(self.column)
        for choice in self.choices:
            values = [path.get(record, element) for path in choice]
            if any(value is None or value == "" for value in values):
                continue
            if len(values) == 1:
                return values[0]
            return sha256("\0".join(map(str, values)).encode(errors="surrogateescape")).hexdigest()[:COMBINED_DIGITS]
        return None


def elements(record: Mapping[str, Any], each: str) -> list[Any] | None:
    """Return the list that a path with [] names, None if there is none."""
    found = record[each] if each in record else _walk(record, each)
    if isinstance(found, str):
        found = _json(found) if found.lstrip().startswith("[") else found.split()
    return found if isinstance(found, list) else None


def _walk(value: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(value, str):
            value = _json(value)
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list):
            value = _of_list(value, part)
        else:
            return None
    return value


def _of_list(items: list[Any], part: str) -> Any:
    if part.isdecimal():
        return items[int(part)] if len(part) < 10 and int(part) < len(items) else None
    for item in items:
        if isinstance(item, dict) and item.get("key") == part:
            return item.get("value")
        if isinstance(item, tuple) and len(item) == 2 and item[0] == part:  # an entry of a map in Parquet
            return item[1]
    return None


def _leaf(value: Any) -> Any:
    """Return the one value of a typed union, as {"string_value": "a", "int_value": null} in Google Analytics."""
    if isinstance(value, dict) and value and all(name.endswith("_value") for name in value):
        return next((found for found in value.values() if found is not None), None)
    return value


@lru_cache(maxsize=8)  # a record's fields are read from one text, one after the other
def _json(text: str) -> Any:
    if len(text) > MOST_JSON or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
