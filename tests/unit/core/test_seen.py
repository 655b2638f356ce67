"""The coverage table's values."""

import pytest

from streams.core import seen as codec
from streams.core.seen import Seen


def test_an_artwork_is_known_by_ordinal_or_by_id() -> None:
    seen = Seen()
    seen.add("a", 7)
    seen.add("b", None)
    assert (list(seen.ordinals), seen.uncatalogued) == ([7], {"b"})


@pytest.mark.parametrize("ordinals", [[], [0], [2**32 - 1], [*range(1000), 70_000]], ids=["none", "0", "last", "many"])
@pytest.mark.parametrize("ids", [set(), {"a"}, {"a" * 128, "b", "A-Z.0_9:"}], ids=["no ids", "one id", "ids"])
def test_values_round_trip(ordinals: list[int], ids: set[str]) -> None:
    seen = Seen()
    for ordinal in ordinals:
        seen.add("known", ordinal)
    for artwork_id in ids:
        seen.add(artwork_id, None)
    seen.pack()
    assert codec.decode(bytes(seen.entries)) == seen
    assert codec.decode(codec.encode(ordinals, ids)) == seen


def test_the_packed_form_is_fixed() -> None:
    seen = Seen()
    seen.add("a0042", None)
    seen.add("b", 258)
    seen.pack()
    assert seen.entries.hex() == "056130303432" + "0002010000"


def test_ids_that_look_like_ordinals_are_ids() -> None:
    """Four characters and their length are as long as an ordinal's entry."""
    assert codec.decode(codec.encode([], ["abcd", "efgh"])).uncatalogued == {"abcd", "efgh"}
    mixed = codec.decode(codec.encode([7], ["abcd"]))
    assert (list(mixed.ordinals), mixed.uncatalogued) == ([7], {"abcd"})


@pytest.mark.parametrize("value", [b"\x05abc", b"\x00\x01", b"\x81" + b"a" * 129], ids=["id", "ordinal", "too long"])
def test_a_value_that_was_never_written_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut off|129 bytes"):
        codec.decode(value)
