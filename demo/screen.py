"""Where the demo writes: a terminal as wide as it is, or plain lines; ASCII alone where the locale has no more."""

import io
import locale
import sys
import textwrap
from collections.abc import Callable

from rich.console import Console

# Of output that goes to no terminal, which has no width of its own.
WIDTH = 80
# What Python itself takes for UTF-8, by the locale's name for it.
UTF_8 = ("UTF-8", "UTF8")


def console() -> Console:
    """Return the console of stdout. NO_COLOR and a terminal without movements (TERM=dumb) are rich's to notice."""
    keep_to_the_locale()
    plain = Console()
    return plain if plain.is_terminal else Console(width=WIDTH)


def keep_to_the_locale() -> None:
    """Let stdout escape what the locale can't show: under LC_ALL=C, Python writes UTF-8 all the same (PEP 540)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        is_utf_8 = locale.nl_langinfo(locale.CODESET).upper() in UTF_8
        is_written_as_utf_8 = sys.stdout.encoding.upper() in UTF_8
        encoding = "ascii" if is_written_as_utf_8 and not is_utf_8 else None
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")


def is_lively(out: Console) -> bool:
    """Return whether a bar can move there."""
    return out.is_terminal and not out.is_dumb_terminal


def line_printer(out: Console) -> Callable[[str], None]:
    """Return a function that prints a line as it is, without markup and without colours guessed from its content.

    On a terminal a line that is too long goes on in the next one after a word, not amid one.
    """

    def say(line: str) -> None:
        lines = [line]
        if out.is_terminal:
            lines = textwrap.wrap(
                line, out.width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
            ) or [""]
        for each in lines:
            out.print(each, markup=False, highlight=False, soft_wrap=True)

    return say
