"""Cursors: what one list gives it takes back, and nothing else."""

from base64 import urlsafe_b64encode

import pytest

from streams.collector.reads import cursors
from streams.collector.reads.cursors import CursorError

EVENT = "cda00e6dd3c711d48e8b8b2f658f1540"


def text(json: bytes) -> str:
    return urlsafe_b64encode(json).decode().rstrip("=")


def test_a_cursor_goes_on_where_the_page_ended() -> None:
    assert cursors.read_unseen(cursors.unseen("main", 4_294_967_295), "main") == 4_294_967_295
    assert cursors.read_history(cursors.history((1_796_000_000_000, EVENT))) == (1_796_000_000_000, EVENT)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "x",
        "é",
        "%%%%",
        "A" * 513,
        text(b"{}"),
        text(b'["u","main"]'),
        text(b'["u","main",1,2]'),
        text(b'["u","other",1]'),
        text(b'["h","main",1]'),
        text(b'["u","main",-1]'),
        text(b'["u","main",4294967296]'),
        text(b'["u","main",1.5]'),
        text(b'["u","main",true]'),
        text(b'["u","main","1"]'),
        cursors.history((1, EVENT)),
    ],
)
def test_no_other_text_is_a_cursor_of_an_unseen_list(given: str) -> None:
    with pytest.raises(CursorError):
        cursors.read_unseen(given, "main")


@pytest.mark.parametrize(
    "given",
    [
        "",
        text(b'["h",-1,"e"]'),
        text(b'["h",10000000000000,"e"]'),
        text(b'["h",1,"%s"]' % (b"e" * 129)),
        text('["h",1,"é"]'.encode()),
        text(b'["u",1,"e"]'),
        text(b'["h","1","e"]'),
        cursors.unseen("main", 1),
    ],
)
def test_no_other_text_is_a_cursor_of_a_history(given: str) -> None:
    with pytest.raises(CursorError):
        cursors.read_history(given)
