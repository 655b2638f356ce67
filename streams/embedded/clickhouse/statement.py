"""What a statement's text says about its data: where an INSERT's data begins, and which FORMAT it names.

This only finds boundaries; the engine decides what may run (access.py). It works on bytes, because an insert's data
may not be text. The lexical rules are ClickHouse's: comments, the three quotes, heredocs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A token that is not closed runs to the end, so each byte is scanned once, whatever the text.
_TOKEN = re.compile(
    rb"(?P<space>\s+|--[^\n]*|\#[ !][^\n]*|/\*(?:.*?\*/|.*))"
    rb"|(?P<quoted>'(?:[^'\\]|\\.|'')*+(?:'|\Z|\\\Z)"
    rb"|\"(?:[^\"\\]|\\.|\"\")*+(?:\"|\Z|\\\Z)"
    rb"|`(?:[^`\\]|\\.|``)*+(?:`|\Z|\\\Z))"
    rb"|(?P<heredoc>\$(?P<tag>\w*)\$(?:.*?\$(?P=tag)\$|.*))"
    rb"|(?P<word>[A-Za-z_0-9\x80-\xff]+)"
    rb"|(?P<other>.)",
    re.DOTALL,
)

# After these, a word is a name, so a table may be called `format` or `values`.
_BEFORE_NAME = (b"INTO", b"TABLE", b".")


@dataclass(frozen=True)
class Insert:
    """An INSERT with data: the text before SETTINGS, the settings before FORMAT, the format, and the data's start."""

    sql: str
    settings: str
    format: str
    data_at: int


@dataclass(frozen=True)
class _Token:
    text: bytes
    word: bytes  # upper case, empty for anything but a bare word
    depth: int
    start: int
    end: int


def _tokens(text: bytes) -> Iterator[_Token]:
    """Yield the tokens that are not space, with their depth in parentheses."""
    depth = 0
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "space":
            continue
        value = match.group()
        depth -= value in (b")", b"]", b"}")
        yield _Token(value, value.upper() if match.lastgroup == "word" else b"", depth, match.start(), match.end())
        depth += value in (b"(", b"[", b"{")


def is_insert(text: bytes) -> bool:
    """Return whether the statement's first word is INSERT."""
    first = next(_tokens(text), None)
    return first is not None and first.word == b"INSERT"


def split_insert(text: bytes) -> Insert | None:
    """Split an INSERT that contains its data; return None for any other statement, INSERT ... SELECT included."""
    previous = b""
    after_format: _Token | None = None
    settings_at: int | None = None
    for token in _tokens(text):
        if previous == b"" and token.word != b"INSERT":
            return None
        if after_format is not None:
            return _insert(text, settings_at, after_format.start, _name(token), _skip_line_end(text, token.end))
        if token.depth == 0 and previous not in _BEFORE_NAME:
            if token.word == b"FORMAT":
                after_format = token
            elif token.word == b"VALUES":
                return _insert(text, settings_at, token.start, "Values", token.end)
            elif token.word == b"SETTINGS" and settings_at is None:
                settings_at = token.start
            elif token.word in (b"SELECT", b"WITH", b"FROM", b"INFILE"):
                return None
        previous = token.word or token.text
    return None


def _insert(text: bytes, settings_at: int | None, end: int, data_format: str, data_at: int) -> Insert:
    head = end if settings_at is None else settings_at
    return Insert(text[:head].decode(errors="replace"), text[head:end].decode(errors="replace"), data_format, data_at)


def _skip_line_end(text: bytes, at: int) -> int:
    """Skip blanks and one line end after the format's name: data begins there, as in ClickHouse's own parser."""
    match = re.compile(rb"[ \t\f]*\r?\n?").match(text, at)
    return match.end() if match else at


def output_format(text: bytes) -> str | None:
    """Return the name in the FORMAT clause that ends a query; None without such a clause.

    The clause ends the query if only SETTINGS or a semicolon may follow it.
    """
    tokens = [token for token in _tokens(text) if token.depth == 0]
    for at in range(len(tokens) - 2, -1, -1):
        if tokens[at].word == b"FORMAT":
            behind = tokens[at + 2] if at + 2 < len(tokens) else None
            ends = behind is None or behind.word == b"SETTINGS" or behind.text == b";"
            return _name(tokens[at + 1]) if ends else None
    return None


def _name(token: _Token) -> str:
    return token.text.strip(b'`"').decode(errors="replace")
