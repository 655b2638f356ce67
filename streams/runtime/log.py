"""Structured logs: one JSON object per line on stderr, or aligned text on a terminal.

Events are snake_case names; fields carry ids, counts and durations, never payloads.
"""

import logging
import sys
from typing import TextIO, cast

import structlog

# Faust and aiokafka log every record at DEBUG, which alone costs a worker about 10 % (docs/decisions/0002).
QUIET = ("faust", "aiokafka", "mode", "kafka", "asyncio", "aiohttp.access")


class _Stderr:
    """Whatever is stderr at the time of writing: loggers live longer than a stderr that was replaced and closed."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


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
    handler = logging.StreamHandler(sys.stderr)
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
