"""The loop of `impressions top`: ask all processes, show what they say, until somebody quits."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress

from rich.console import Console
from rich.live import Live

from streams.top.figures import Figures, Watch
from streams.top.keys import Keys
from streams.top.lines import Lines
from streams.top.screen import render
from streams.top.target import Answer, Target, ask

# How soon a key is noticed.
KEY_SECONDS = 0.1
# Asked at once; each of them takes as long as it takes.
MOST_AT_ONCE = 32
QUIT = frozenset("qQ")

Quits = Callable[[float], bool]


def top(targets: Sequence[Target], every: float, looks: int | None, out: Console) -> None:
    """Show the processes every so many seconds, `looks` times or until q or Ctrl-C.

    On a terminal it is a view that stays in place; elsewhere lines.
    """
    # Restores the terminal, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Keys() as keys:

        def quits(seconds: float) -> bool:
            return bool(QUIT & set(keys.within(seconds)))

        show = _view if out.is_terminal and not out.is_dumb_terminal else _print
        show(targets, every, looks, out, quits)


def _view(targets: Sequence[Target], every: float, looks: int | None, out: Console, quits: Quits) -> None:
    last: Figures | None = None
    with suppress(KeyboardInterrupt), Live(console=out, screen=True, auto_refresh=False) as live:
        for last in _looks(targets, every, looks, quits):
            live.update(render(last, out.width, out.height, every), refresh=True)
    if last is not None:  # what was seen last stays in the terminal
        out.print(render(last, out.width, out.height, every))


def _print(targets: Sequence[Target], every: float, looks: int | None, out: Console, quits: Quits) -> None:
    lines = Lines()
    with suppress(KeyboardInterrupt):
        for figures in _looks(targets, every, looks, quits):
            for line in lines.of(figures):
                out.print(line, markup=False, highlight=False, soft_wrap=True)


def _looks(targets: Sequence[Target], every: float, looks: int | None, quits: Quits) -> Iterator[Figures]:
    watch, count = Watch(), 0
    pool = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="top")
    try:
        while True:
            began = time.monotonic()
            asked = [pool.submit(ask, target) for target in targets]
            while wait(asked, KEY_SECONDS).not_done:
                if quits(0):
                    return
            yield watch.figures(_shown([each.result() for each in asked]))
            count += 1
            if count == looks:
                return
            while (left := began + every - time.monotonic()) > 0:
                if quits(min(left, KEY_SECONDS)):
                    return
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _shown(answers: Sequence[Answer]) -> list[Answer]:
    """Return the answers of processes that are expected, or that are there."""
    return [answer for answer in answers if answer.target.expected or answer.samples is not None]
