"""How many of an artwork's arrivals a vendor keeps, by the key by which it drops duplicates."""

import pytest

from tests.browsers.ledger import kept


@pytest.mark.parametrize(
    ("ids", "left"),
    [
        (["1"], 1),
        (["1", "1", "1"], 1),  # sent again: dropped
        (["1", "2", "2"], 2),  # another event: kept
        (["", ""], 2),  # no key: nothing can be dropped
        (["1", ""], 2),
    ],
)
def test_what_a_vendor_keeps(ids: list[str], left: int) -> None:
    assert kept(ids) == left
