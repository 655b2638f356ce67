"""Progress of long work: a bar on a terminal, otherwise an occasional line; and the time that each part takes."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from demo.screen import is_lively, line_printer
from streams.runtime import interrupts

# Without a terminal: one line for each of this many equal parts of the whole.
PARTS = 4
# What names, numbers and the time leave of 80 columns.
BAR_WIDTH = 24
NAME_WIDTH, LINE_WIDTH = 6, 80

Update = Callable[[int, int], None]


class Done(ProgressColumn):
    """How much is done, and of how much; nothing while that is unknown."""

    def render(self, task: Task) -> Text:
        """Return both numbers."""
        return Text("" if task.total is None else f"{task.completed:,.0f} of {task.total:,.0f}")


@contextmanager
def progress(console: Console, what: str) -> Iterator[Update]:
    """Yield a function to call with how much is done, and of how much. Until the first call, the bar only moves.

    The function raises OSError (EIO) if the terminal is gone.
    """
    if is_lively(console):
        columns = (TextColumn("{task.description}"), BarColumn(BAR_WIDTH), Done(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(what, total=None)

            def move(done: int, total: int) -> None:
                interrupts.check()
                if not console.is_terminal:
                    # Its window was closed. `make` keeps SIGHUP to itself, and the bar's thread the error of writing.
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
                bar.update(task, completed=done, total=total)

            yield move
        return
    said = -1

    def update(done: int, total: int) -> None:
        nonlocal said
        interrupts.check()
        part = done * PARTS // max(1, total)
        if part > said:
            said = part
            console.print(f"{what}: {done:,} of {total:,}", highlight=False, soft_wrap=True)

    yield update


class Phases:
    """The parts of the demo, one after the other: each is shown while it lasts, and how long it took (s)."""

    def __init__(self, console: Console, number: int) -> None:
        self.seconds: dict[str, float] = {}
        self._console, self._number = console, number

    @contextmanager
    def phase(self, name: str, what: str, unit: str) -> Iterator[Update]:
        """Show the body's progress. Yield a function to call with how many units are done, and of how many."""
        head, begun = f"{len(self.seconds) + 1}/{self._number} {name:<{NAME_WIDTH}}", time.monotonic()
        lively, say = is_lively(self._console), line_printer(self._console)
        if not lively:
            say(f"{head} {what}")
        with progress(self._console, f"{head} {unit}" if lively else f"    {unit}") as update:
            yield update
        interrupts.check()
        took = self.seconds[name] = round(time.monotonic() - begun, 2)
        if lively:
            width = min(self._console.width, LINE_WIDTH) - len(head) - 1
            say(f"{head} {f'{what} ':<{width - 8}}{took:6.1f} s")
        else:
            say(f"    done in {took:.1f} s")
