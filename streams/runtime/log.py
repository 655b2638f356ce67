"""Structured logs: one JSON object per line on stderr, or aligned text on a terminal.

Events are snake_case names; fields carry ids, counts and durations, never payloads.
"""

import logging
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO, cast

import structlog

# What a log that isn't read may hold in memory: some MB.
BACKGROUND_LINES = 10_000
# How long the end of a process may wait for its log.
BACKGROUND_SECONDS = 2.0
# Faust and aiokafka log every record at DEBUG, which alone costs a worker about 10 % (docs/decisions/0002).
QUIET = ("faust", "aiokafka", "mode", "kafka", "asyncio", "aiohttp.access")


class _Stderr:
    """Whatever is stderr at the time of writing: loggers live longer than a stderr that was replaced and closed."""

    def write(self, text: str) -> int:
        return _background.write(text) if _background is not None else sys.stderr.write(text)

    def flush(self) -> None:
        if _background is None:
            sys.stderr.flush()


class _Background:
    """Writes to stderr in a thread of its own; what can't be written soon is dropped and counted."""

    def __init__(self, dropped: Callable[[int], None]) -> None:
        self._dropped = dropped
        # What each thread has written of a line that isn't complete.
        self._begun = threading.local()
        self._lines: queue.Queue[str | None] = queue.Queue(BACKGROUND_LINES)
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        line = getattr(self._begun, "text", "") + text
        self._begun.text = "" if line.endswith("\n") else line
        if not self._begun.text:
            try:
                self._lines.put_nowait(line)
            except queue.Full:
                self._dropped(1)
        return len(text)

    def close(self) -> None:
        """Write what is left, if that is possible soon."""
        try:
            self._lines.put(None, timeout=BACKGROUND_SECONDS)
            self._thread.join(BACKGROUND_SECONDS)
        except queue.Full:
            self._dropped(self._lines.qsize())

    def _run(self) -> None:
        while (text := self._lines.get()) is not None:
            try:
                sys.stderr.write(text)
                sys.stderr.flush()
            except (OSError, ValueError):  # nobody reads it, its disk is full, or it is closed
                self._dropped(1)


_background: _Background | None = None


@contextmanager
def in_background(dropped: Callable[[int], None]) -> Iterator[None]:
    """Let nothing wait for the log during the body, for an event loop that serves others.

    `dropped` gets the number of lines that couldn't be written, in any thread. At the end, what is left is written.
    """
    global _background  # noqa: PLW0603 - one process, one stderr
    _background = _Background(dropped)
    try:
        yield
    finally:
        ended, _background = _background, None
        ended.close()


def configure(level: str = "INFO") -> None:
    """Set up logging for a process. Call this once, before the first event. Libraries log from WARNING up."""
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Stderr())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(cast(TextIO, _Stderr()))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, _as_ours, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _as_ours(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Show the SDK's log records like our own events: by name, with their fields."""
    record = event["_record"]
    if hasattr(record, "fields"):
        event.update(record.fields, event=record.event, module=event.pop("logger"))
    return event


def get(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return the logger of a module."""
    return cast(structlog.typing.FilteringBoundLogger, structlog.get_logger(module=name))
