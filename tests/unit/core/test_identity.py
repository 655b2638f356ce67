"""Rule 4."""

import hashlib

import pytest

from streams.core.identity import event_id

W = 600_000


def test_it_is_the_first_half_of_a_sha_256_over_length_prefixed_parts() -> None:
    # floor(1732431599000 / 600000) = 2887385
    expected = hashlib.sha256(b"\0\0\0\3u42" + b"\0\0\0\5a0042" + b"\0\0\0\x072887385").hexdigest()[:32]
    assert event_id("u42", "a0042", 1_732_431_599_000, W) == expected == "cda00e6dd3c711d48e8b8b2f658f1540"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param(("u", "a", 0), ("u", "a", W - 1), True, id="one window"),
        pytest.param(("u", "a", W - 1), ("u", "a", W), False, id="two windows"),
        pytest.param(("u", "a", 0), ("v", "a", 0), False, id="two users"),
        pytest.param(("u", "a", 0), ("u", "b", 0), False, id="two artworks"),
        pytest.param(("ua", "b", 0), ("u", "ab", 0), False, id="the same letters, cut elsewhere"),
        pytest.param(("u", "a1", 0), ("u", "a", 10 * W), False, id="a digit of the window's number"),
    ],
)
def test_it_tells_user_artwork_and_window_apart(
    one: tuple[str, str, int], other: tuple[str, str, int], same: bool
) -> None:
    assert (event_id(*one, W) == event_id(*other, W)) == same
