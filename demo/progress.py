"""Progress: a bar on a terminal, otherwise an occasional line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

# Without a terminal: one line for each of this many equal parts of the whole.
PARTS = 4

Update = Callable[[int, int], None]


@contextmanager
def progress(console: Console, what: str) -> Iterator[Update]:
    """Yield a function to call with how much is done, and of how much."""
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    said = -1

    def update(done: int, total: int) -> None:
        nonlocal said
        part = done * PARTS // max(1, total)
        if part > said:
            said = part
            console.print(f"{what}: {done:,} of {total:,}", highlight=False)

    yield update
