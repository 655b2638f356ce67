"""A SQL file, split into its statements."""

import re

# Tokens that may contain a semicolon which ends no statement. ClickHouse's strings and quoted names allow both the
# backslash and the doubled quote; a doubled quote needs no rule here, since its second half opens the next string.
_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*.*?\*/ )
    | (?P<quoted>  '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | `(?:[^`\\]|\\.)*` )
    | (?P<end>     ; )
    | (?P<open>    ['"`] | /\* )
    | (?P<other>   [^'"`;/-]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


class UnclosedError(ValueError):
    """A quote or comment is opened and never closed; the text says which one, and in which line."""


def split(text: str) -> list[str]:
    """Return the statements of a SQL text in order, without comments, closing semicolons and empty statements.

    Semicolons inside quotes and comments end no statement. Raises UnclosedError.
    """
    statements: list[str] = []
    pieces: list[str] = []
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "open":
            raise UnclosedError(f"{token[0]} in line {text.count(chr(10), 0, token.start()) + 1} is never closed")
        if token.lastgroup == "end":
            statements.append("".join(pieces).strip())
            pieces.clear()
        else:
            # A comment separates words, as a space does.
            pieces.append(" " if token.lastgroup == "comment" else token[0])
    statements.append("".join(pieces).strip())
    return [statement for statement in statements if statement]
