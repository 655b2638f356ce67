"""The coverage table's values."""

import pytest

from streams.core import seen as codec
from streams.core.codec import CodecError
from streams.core.seen import Seen


def test_an_artwork_is_known_by_ordinal_or_by_id() -> None:
    seen = Seen()
    seen.add("a", 7)
    seen.add("b", None)
    assert seen.has("a", 7)
    assert seen.has("b", None)
    assert seen.has("b", 8), "known by its id although it now has an ordinal"
    assert not seen.has("a", None)
    assert not seen.has("c", 9)


@pytest.mark.parametrize("ordinals", [[], [0], [2**32 - 1], [*range(1000), 70_000]], ids=["none", "0", "last", "many"])
@pytest.mark.parametrize("ids", [set(), {"a"}, {"a" * 128, "b", "A-Z.0_9:"}], ids=["no ids", "one id", "ids"])
def test_values_round_trip(ordinals: list[int], ids: set[str]) -> None:
    seen = Seen()
    seen.ordinals.update(ordinals)
    seen.uncatalogued.update(ids)
    assert codec.decode(codec.encode(seen)) == seen


def test_another_codec_version_is_refused() -> None:
    value = codec.encode(Seen())
    with pytest.raises(CodecError, match="coverage table holds codec version 9"):
        codec.decode(b"\x09" + value[1:])
