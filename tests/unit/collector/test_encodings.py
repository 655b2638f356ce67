"""Who takes gzip, by the field Accept-Encoding."""

import pytest

from streams.collector.rules.encodings import accepts_gzip


@pytest.mark.parametrize(
    ("field", "taken"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("br, gzip, deflate", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("gzip ; q=0.001", True),
        ("*", True),
        ("", False),
        ("br", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0.0, *", False),
        ("*;q=0", False),
        ("*;q=0, gzip", True),
        ("gzip;q=high", False),
        ("gzip;level=9", False),
        ("notgzip", False),
        (",,;q=1,", False),
    ],
)
def test_it_is_taken_where_the_client_says_so(field: str, taken: bool) -> None:
    assert accepts_gzip(field) is taken
