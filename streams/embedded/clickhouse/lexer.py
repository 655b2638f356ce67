"""ClickHouse's lexical rules: comments, quotes, heredocs, bare words. On bytes, because a statement may not be UTF-8.

Every text is scanned in time linear in its length, whatever it contains.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

# A token that is not closed runs to the end, so each byte is scanned once. A dollar sign is a part of a word unless it
# begins a heredoc. ClickHouse also accepts typographic quotes around strings and names.
_TOKEN = re.compile(
    rb"(?P<space>\s+|\xe2\x80\x8b|\xc2\xa0|--[^\n]*|\#[ !][^\n]*|/\*(?:.*?\*/|.*))"
    rb"|(?P<quoted>'(?:[^'\\]|\\.|'')*+(?:'|\Z|\\\Z)"
    rb"|\"(?:[^\"\\]|\\.|\"\")*+(?:\"|\Z|\\\Z)"
    rb"|`(?:[^`\\]|\\.|``)*+(?:`|\Z|\\\Z)"
    rb"|\xe2\x80\x98(?:.*?\xe2\x80\x99|.*)|\xe2\x80\x9c(?:.*?\xe2\x80\x9d|.*))"
    rb"|(?P<word>[A-Za-z_0-9$\x80-\xff]+)"
    rb"|(?P<other>.)",
    re.DOTALL,
)

_TAG = re.compile(rb"\w*")


class Token(NamedTuple):
    """One token of a statement. `word` is its text in upper case, empty for anything but a bare word."""

    text: bytes
    word: bytes
    depth: int  # how many brackets it stands in
    start: int
    end: int

    @property
    def name(self) -> str:
        """Return the token as a name, without its quotes."""
        return self.text.strip(b'`"').decode(errors="replace")


def tokens(text: bytes) -> Iterator[Token]:
    """Yield the tokens that are neither space nor comment. A bracket has the depth of what it stands in."""
    depth = at = 0
    heredocs = _Heredocs(text) if b"$" in text else None
    while at < len(text):
        end = heredocs.end(at) if heredocs is not None and text[at] == 0x24 else None
        if end is not None:
            yield Token(text[at:end], b"", depth, at, end)
            at = end
            continue
        match = _TOKEN.match(text, at)
        assert match is not None, "every byte is a token"
        at = match.end()
        if match.lastgroup == "space":
            continue
        value = match.group()
        depth -= value in (b")", b"]", b"}")
        yield Token(value, value.upper() if match.lastgroup == "word" else b"", depth, match.start(), match.end())
        depth += value in (b"(", b"[", b"{")


class _Heredocs:
    """Where heredocs end: `$tag$` is closed by the next `$tag$`. A tag is a word, or empty."""

    def __init__(self, text: bytes) -> None:
        self._dollars = [match.start() for match in re.finditer(rb"\$", text)]
        self._tags: dict[bytes, list[int]] = {}
        for number, (start, end) in enumerate(zip(self._dollars, self._dollars[1:], strict=False)):
            self._tags.setdefault(text[start + 1 : end], []).append(number)
        self._text = text

    def end(self, at: int) -> int | None:
        """Return the end of the heredoc that begins with the dollar sign at `at`; None if none does."""
        number = bisect_left(self._dollars, at)
        if number + 1 >= len(self._dollars):
            return None
        tag = self._text[at + 1 : self._dollars[number + 1]]
        if not _TAG.fullmatch(tag):
            return None
        same = self._tags[tag]
        later = bisect_left(same, number + 2)
        return self._dollars[same[later] + 1] + 1 if later < len(same) else None
