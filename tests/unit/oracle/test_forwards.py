"""Each stray line is in its home partition once, byte for byte; and the oracle shares no code with the project."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from oracle.forwards import COLUMNS, KEY, Place, expected_rows, found_row
from oracle.rules import Record
from oracle.verdict import Difference, compare

LINE = b'{"v": 1}'
FORWARDS: dict[Place, tuple[int, bytes]] = {("t", 0, 7, 2): (3, hashlib.sha256(LINE).digest())}
ORIGIN = b'{"topic_id":"t","partition":0,"offset":7,"line":2}'


def sent_on(partition: int = 3, value: bytes = LINE, origin: bytes = ORIGIN) -> tuple[object, ...]:
    """Return the row of a record that was forwarded."""
    return found_row(Record("t", partition, 0, 0, None, value, origin))


def difference(*rows: tuple[object, ...]) -> Difference:
    """Compare the rows with one line that must be forwarded."""
    return compare("I1", "forwarded lines", COLUMNS, KEY, expected_rows(FORWARDS), rows)


def test_a_line_that_was_forwarded_once_is_right() -> None:
    assert not difference(sent_on()).found


@pytest.mark.parametrize("row", [sent_on(partition=1), sent_on(value=LINE + b" ")])
def test_a_line_with_another_home_or_other_bytes_is_wrong(row: tuple[object, ...]) -> None:
    assert difference(row).wrong == 1


def test_a_line_that_was_not_forwarded_is_missing_and_one_that_was_twice_is_extra() -> None:
    assert difference().missing == 1
    assert difference(sent_on(), sent_on()).extra == 1


@pytest.mark.parametrize(
    "origin", [ORIGIN.replace(b"7", b"8"), b"", b"[]", b"{}", b"\xff", b'{"topic_id":"t","partition":null}']
)
def test_a_record_with_an_unknown_origin_is_extra(origin: bytes) -> None:
    found = difference(sent_on(), sent_on(origin=origin))
    assert (found.missing, found.extra, found.wrong) == (0, 1, 0)


def test_the_oracle_shares_no_code_with_what_it_judges() -> None:
    program = "import sys, oracle; print([name for name in sys.modules if name.split('.')[0] == 'streams'])"
    root = Path(__file__).resolve().parents[3]
    assert subprocess.check_output([sys.executable, "-c", program], cwd=root, text=True).strip() == "[]"
