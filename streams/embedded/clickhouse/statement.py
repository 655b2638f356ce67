"""What a statement's text says about its data: where an INSERT's data begins, and which FORMAT it names.

This only finds boundaries; the engine decides what may run (access.py). It works on bytes, because an insert's data
may not be text.
"""

import re
from dataclasses import dataclass

from streams.embedded.clickhouse.errors import (
    INVALID_USAGE_OF_INPUT,
    NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
    SYNTAX_ERROR,
    UNKNOWN_TYPE_OF_QUERY,
    ClickHouseError,
)
from streams.embedded.clickhouse.lexer import Token, tokens

# After these, a word is a name, so a table may be called `format` or `values`.
_BEFORE_NAME = (b"INTO", b"TABLE", b".")
# In a query, FORMAT after or before these is a column.
_BEFORE_COLUMN = frozenset(
    b"SELECT DISTINCT BY WHERE PREWHERE HAVING AND OR NOT ON IN LIKE AS CASE WHEN THEN ELSE BETWEEN".split()
) | frozenset(b", + - * / % = < > . ( [".split())
_AFTER_COLUMN = frozenset(b"FROM AS IN AND OR IS LIKE BETWEEN ASC DESC NOT".split())
# After these, INSERT is the name of an expression or of a subquery, not the statement.
_BEFORE_ALIAS = (b"AS", b"WITH", b"RECURSIVE")


@dataclass(frozen=True)
class Insert:
    """An INSERT with data: the text before SETTINGS, the settings before FORMAT, the format, and the data's start.

    If the statement selects from `input(structure)`, `sql` ends before that call, `structure` is what stands between
    its brackets, and `tail` is what follows, up to FORMAT. The texts are the request's bytes, decoded as UTF-8 with
    surrogates for what isn't.
    """

    sql: str
    settings: str
    format: str
    data_at: int
    structure: str = ""
    tail: str = ""

    @property
    def selects(self) -> bool:
        """Return whether the data is read by the function `input`."""
        return bool(self.structure)


def is_insert(text: bytes) -> bool:
    """Return whether the statement is an INSERT, after WITH too."""
    return _insert_at(text) is not None


def _insert_at(text: bytes) -> int | None:
    """Return where the word INSERT of an INSERT statement begins, which may follow WITH ... or EXECUTE AS user."""
    first: Token | None = None
    previous: Token | None = None
    for token in tokens(text):
        if first is None:
            first = token
            if first.word == b"INSERT":
                return token.start
            if first.word not in (b"WITH", b"EXECUTE"):
                return None
        elif token.depth == 0 and previous is not None:
            ends_a_value = len(previous.text) > 1 or previous.word or previous.text in (b")", b"]", b"}")
            if token.word == b"INSERT" and ends_a_value and previous.word not in _BEFORE_ALIAS:
                return token.start
            if token.word in (b"SELECT", b"FROM"):
                return None
        previous = token
    return None


def split_insert(text: bytes) -> Insert | None:
    """Split an INSERT that contains its data; return None for any other statement, INSERT ... SELECT included.

    Raises ClickHouse's own error for data that no server would read: after a semicolon, for input() that is used twice
    or without a format, for an INSERT ... SELECT without input().
    """
    insert_at = _insert_at(text)
    return None if insert_at is None else _Splitter(text, insert_at).split()


class _Splitter:
    """One pass over an INSERT, which remembers what it has met."""

    def __init__(self, text: bytes, insert_at: int) -> None:
        self._text = text
        self._insert_at = insert_at
        self._selects = False
        self._settings_at: int | None = None
        self._inputs: list[tuple[int, int, int]] = []  # begin of the name, of the arguments, and of the closing bracket
        self._open: list[tuple[int, int] | None] = []

    def split(self) -> Insert | None:
        before = last = Token(b"", b"", 0, 0, 0)
        for token in tokens(self._text):
            if self._is_format(last, before, token):
                return self._formatted(last, token)
            self._brackets(token, last, before)
            if token.start > self._insert_at and self._is_clause(last):
                if token.word in (b"SELECT", b"WITH"):
                    self._selects = True
                elif token.depth == 0 and token.word == b"VALUES" and not self._selects:
                    return self._plain(token.start, "Values", token.end)
                elif token.depth == 0 and token.word == b"SETTINGS" and self._settings_at is None:
                    self._settings_at = token.start
                elif token.depth == 0 and token.word == b"INFILE":
                    return None
            before, last = last, token
        if self._inputs:
            raise ClickHouseError(INVALID_USAGE_OF_INPUT, "FORMAT must be specified for function input().")
        return None

    def _is_format(self, word: Token, before: Token, behind: Token) -> bool:
        """Return whether `word` begins a FORMAT clause of the INSERT."""
        if word.word != b"FORMAT" or word.start < self._insert_at or word.depth or not self._is_clause(before):
            return False
        named = behind.word or behind.text[:1] in (b"`", b'"')
        column = (before.word or before.text) in _BEFORE_COLUMN or behind.word in _AFTER_COLUMN
        return bool(named) and not (self._selects and column)

    @staticmethod
    def _is_clause(before: Token) -> bool:
        """Return whether a word after `before` may begin a clause; otherwise it is a name."""
        return (before.word or before.text) not in _BEFORE_NAME

    def _brackets(self, token: Token, last: Token, before: Token) -> None:
        """Note the calls of input()."""
        if token.text == b"(":
            calls = last.word == b"INPUT" and self._is_clause(before)
            self._open.append((last.start, token.end) if calls else None)
        elif token.text == b")" and self._open:
            call = self._open.pop()
            if call is not None:
                self._inputs.append((*call, token.start))

    def _formatted(self, clause: Token, name: Token) -> Insert | None:
        """Return the INSERT whose data begins behind the name of its format."""
        data_at = _data_at(self._text, name.end)
        if not self._selects:
            return self._plain(clause.start, name.name, data_at)
        if not self._inputs:
            if self._text[data_at:].strip():
                raise ClickHouseError(INVALID_USAGE_OF_INPUT, "INSERT ... SELECT reads data only by function input().")
            return None
        if len(self._inputs) > 1:
            raise ClickHouseError(INVALID_USAGE_OF_INPUT, "You can use input() only once per request.")
        begin, structure_at, closing = self._inputs[0]
        structure = self._text[structure_at:closing]
        if not structure.strip():
            raise ClickHouseError(
                NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "Table function 'input' requires exactly 1 argument: structure."
            )
        tail = self._text[closing + 1 : clause.start]
        return Insert(_string(self._text[:begin]), "", name.name, data_at, _string(structure), _string(tail))

    def _plain(self, end: int, data_format: str, data_at: int) -> Insert:
        head = end if self._settings_at is None else self._settings_at
        return Insert(_string(self._text[:head]), _string(self._text[head:end]), data_format, data_at)


def _string(text: bytes) -> str:
    return text.decode(errors="surrogateescape")


def _data_at(text: bytes, at: int) -> int:
    """Skip blanks and one line end after the format's name: data begins there, as in ClickHouse's own parser."""
    match = re.compile(rb"[ \t\f]*").match(text, at)
    at = match.end() if match else at
    if text[at : at + 1] == b";":
        if text[at + 1 :].strip():
            raise ClickHouseError(SYNTAX_ERROR, "You have excessive ';' symbol before data for INSERT.")
        return len(text)
    match = re.compile(rb"\r?\n?").match(text, at)
    return match.end() if match else at


@dataclass(frozen=True)
class Clause:
    """The FORMAT clause that ends a query: the format's name and where the clause begins and ends."""

    name: str
    start: int
    end: int


def format_clause(text: bytes) -> Clause | None:
    """Return the FORMAT clause that ends a query; None without such a clause.

    The clause ends the query if only SETTINGS or a semicolon may follow it.
    """
    if b"format" not in text.lower():
        return None
    found = [token for token in tokens(text) if token.depth == 0]
    for at in range(len(found) - 2, -1, -1):
        if found[at].word == b"FORMAT":
            behind = found[at + 2] if at + 2 < len(found) else None
            ends = behind is None or behind.word == b"SETTINGS" or behind.text == b";"
            return Clause(found[at + 1].name, found[at].start, found[at + 1].end) if ends else None
    return None


def output_format(text: bytes) -> str | None:
    """Return the name in the FORMAT clause that ends a query; None without such a clause."""
    clause = format_clause(text)
    return None if clause is None else clause.name


def without_data(text: bytes) -> bytes:
    """Return a statement that is not split, without the semicolons that end it.

    A FORMAT of an INSERT ... SELECT without input() has no data, so it is left out: the engine would look for data.
    Raises UNKNOWN_TYPE_OF_QUERY for an INSERT from a file.
    """
    text = text.strip()
    if b";" in text:
        end = 0
        for token in tokens(text):
            if token.text != b";" or token.depth:
                end = token.end
        text = text[:end]
    if not is_insert(text):
        return text
    if any(token.word == b"INFILE" and token.depth == 0 for token in tokens(text)):
        raise ClickHouseError(UNKNOWN_TYPE_OF_QUERY, "FROM INFILE names a file of the client, which only it can read.")
    clause = format_clause(text)
    return text if clause is None else text[: clause.start] + text[clause.end :]


def first_words(text: bytes, count: int) -> tuple[bytes, ...]:
    """Return the first bare words of a statement in upper case; a token that is no bare word ends them."""
    words: list[bytes] = []
    for token in tokens(text):
        if len(words) == count or not token.word:
            break
        words.append(token.word)
    return tuple(words)
