"""The check that the catalogue gives the ordinals in use to the same artworks as ever."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.codec import CodecError
from streams.errors import CatalogueBehindError, Kind, StateLostError
from streams.state.ordinals import BLOCK, Ordinals

LARGEST = 2**32 - 1


def used(**artworks: int) -> Ordinals:
    found = Ordinals()
    for artwork_id, ordinal in artworks.items():
        found.use(ordinal, artwork_id)
    return found


def stored(ordinals: Ordinals) -> dict[bytes, bytes]:
    return dict(ordinals.changes())


def read(blocks: dict[bytes, bytes]) -> Ordinals:
    found = Ordinals()
    for key, value in blocks.items():
        found.read(key, value)
    return found


def check(ordinals: Ordinals, **artworks: int) -> None:
    ordinals.check({ordinal: artwork_id for artwork_id, ordinal in artworks.items()}.get)


@given(
    st.dictionaries(st.integers(0, LARGEST) | st.integers(0, 3 * BLOCK), st.from_regex(r"[a-z]{1,9}", fullmatch=True))
)
def test_what_was_marked_is_read_back_and_fits(artworks: dict[int, str]) -> None:
    marked = Ordinals()
    for ordinal, artwork_id in artworks.items():
        marked.use(ordinal, artwork_id)
    again = read(stored(marked))
    assert set(again.used) == set(marked.used) == artworks.keys()
    for each in (marked, again):
        each.check(artworks.get)


def test_blocks_grow_over_restarts_in_any_order() -> None:
    first = stored(used(a=0, b=5))
    later = read(first)
    later.use(3, "c")
    assert stored(later) == stored(used(c=3, b=5, a=0))


def test_only_changed_blocks_are_written() -> None:
    ordinals = used(a=0, b=BLOCK, c=2 * BLOCK)
    assert len(stored(ordinals)) == 3
    ordinals.written()
    assert stored(ordinals) == {}
    ordinals.use(BLOCK + 1, "d")
    assert [key[-1] for key in stored(ordinals)] == [1]


def test_the_packed_form_is_fixed() -> None:
    ((key, value),) = stored(used(a0042=9)).items()
    assert key.hex() == "007500000000"
    assert value.hex() == "01" + f"{0xC5CD16A6 * 19:016x}" + "0002"


def test_a_full_block_takes_137_bytes() -> None:
    full = used(**{f"a{n}": n for n in range(BLOCK)})
    assert [len(value) for value in stored(full).values()] == [137]
    assert set(read(stored(full)).used) == set(range(BLOCK))


@pytest.mark.parametrize(
    "artworks",
    [{"a": 1, "b": 0}, {"a": 0, "c": 1}, {"b": 0, "c": 1}, {"a": 0, "b": 2, "c": 1}],
    ids=["swapped", "replaced", "shifted", "moved"],
)
def test_a_catalogue_that_gave_an_ordinal_to_another_artwork_is_refused(artworks: dict[str, int]) -> None:
    with pytest.raises(StateLostError, match=r"ordinals of artworks.v1 differ .* restore the topic, or .*rebuild"):
        check(used(a=0, b=1), **artworks)


def test_every_swap_of_two_artworks_is_noticed() -> None:
    names = [f"artwork-{n:04}" for n in range(40)]
    ordinals = used(**{name: n for n, name in enumerate(names)})
    for one, other in combinations(range(40), 2):
        swapped = {**dict(enumerate(names)), one: names[other], other: names[one]}
        with pytest.raises(StateLostError):
            ordinals.check(swapped.get)


def test_a_catalogue_that_is_behind_is_waited_for() -> None:
    with pytest.raises(CatalogueBehindError, match="no artwork with ordinal 1 yet") as raised:
        check(used(a=0, b=1), a=0)
    assert raised.value.kind is Kind.WAIT


def test_artworks_that_nobody_saw_may_change() -> None:
    check(used(a=0), a=0, b=1)
    check(used(a=0), a=0, b=2, c=1)


def test_a_newer_version_is_refused() -> None:
    ((key, value),) = stored(used(a=0)).items()
    with pytest.raises(CodecError, match="ordinals table holds codec version 9"):
        Ordinals().read(key, b"\x09" + value[1:])
