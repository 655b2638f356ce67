"""Where a field stands in a record."""

from decimal import Decimal
from typing import Any

import pytest

from streams.errors import UserError
from streams.produce.columns import Columns
from streams.produce.paths import Place, elements

RECORD: dict[str, Any] = {
    "user": "u1",
    "a.b": "dotted",
    "a,b": "listed",
    "p": {"user": "u2", "deep": [{"id": "d0"}, {"id": "d1"}], "none": None},
    "text": '{"user": "u3", "n": 1.10, "big": 123456789012345678901}',
    "broken": '{"user": ',
    "params": [{"key": "x", "value": {"string_value": None, "int_value": 5, "double_value": None}}, {"key": "y"}],
    "entries": [("x", 1), ("y", 2)],
    "empty": "",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("user", "u1"), ("a.b", "dotted"), ("a,b", "listed"), ("p.user", "u2"), ("p.deep.1.id", "d1")),
        *(("text.user", "u3"), ("text.n", Decimal("1.10")), ("text.big", 123456789012345678901)),
        *(("params.x", 5), ("params.y", None), ("entries.y", 2), ("entries.z", None)),
        *(("nobody", None), ("p.nobody", None), ("user.x", None), ("p.deep.9.id", None), ("broken.user", None)),
        *(("p.none,empty,p.user", "u2"), ("nobody,empty", None), ("user+nobody", None)),
    ],
)
def test_a_place_is_a_column_or_a_path_or_the_first_of_several(text: str, expected: object) -> None:
    assert Place.parse(text, RECORD).get(RECORD) == expected


def test_several_columns_make_one_id_that_differs_where_they_differ() -> None:
    place = Place.parse("user+p.user")
    found = place.get(RECORD)
    assert len(found) == 32
    assert found == place.get(dict(RECORD))
    assert len({place.get({"user": a, "p": {"user": b}}) for a, b in (("x", "yz"), ("xy", "z"), ("xyz", "x"))}) == 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [([1, 2], [1, 2]), ('["a", "b"]', ["a", "b"]), ("N1-0 N2-1", ["N1-0", "N2-1"]), ("", []), (None, None), (7, None)],
)
def test_elements_of_a_list_of_a_json_text_and_of_words(value: object, expected: object) -> None:
    assert elements({"shown": value}, "shown") == expected
    assert elements({"p": {"shown": value}}, "p.shown") == expected


def test_two_lists_can_not_be_read_as_one() -> None:
    with pytest.raises(UserError, match="the elements of one list, not of a and b"):
        Columns({"artwork_id": "a[].id", "position": "b[].n"})


def test_a_required_field_can_not_be_left_out() -> None:
    with pytest.raises(UserError, match="seen_at can't be left out"):
        Columns({"seen_at": ""})
