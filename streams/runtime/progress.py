"""The progress of a long command: a bar on a terminal, a line every few seconds elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

# Often enough to show progress, rarely enough for a log file.
LINE_SECONDS = 5.0


class Progress:
    """Shows `done` of `total`, the rate and the time left; `total` is None if unknown."""

    def __init__(self, out: Console, what: str, total: int | None) -> None:
        self._out, self._what, self._total = out, what, total
        self._started = self._printed = time.monotonic()
        self._bar: Bar | None = None
        if out.is_terminal:
            left = [MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn()]
            self._bar = Bar(TextColumn("{task.description}"), BarColumn(), *left, console=out, transient=True)
            self._task = self._bar.add_task(what, total=total, rate="")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: int) -> None:
        """Show a new state; cheap to call often."""
        now = time.monotonic()
        rate = done / max(now - self._started, 1e-3)
        if self._bar is not None:
            self._bar.update(self._task, completed=done, rate=f"{rate:,.0f}/s")
        elif now - self._printed >= LINE_SECONDS:
            self._printed = now
            self._out.print(self._line(done, rate), markup=False, highlight=False, soft_wrap=True)

    def _line(self, done: int, rate: float) -> str:
        if self._total is None:
            return f"{self._what}: {done:,}, {rate:,.0f}/s"
        left = f", {(self._total - done) / rate:,.0f} s left" if rate > 0 else ""
        return f"{self._what}: {done:,} of {self._total:,}, {rate:,.0f}/s{left}"
