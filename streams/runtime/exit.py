"""Ends a process that can't go on, at once. Crashing is always safe; going on may not be."""

import os
import sys
from typing import NoReturn

from streams.errors import (
    BrokerAwayError,
    ClientBrokenError,
    DiskFullError,
    FencedError,
    Kind,
    KnownError,
    SourceChangedError,
    StalledError,
    TopicMissingError,
    UserError,
)
from streams.runtime import log

logger = log.get(__name__)

# From sysexits.h: a supervisor should restart the process; a person must look first; a defect of ours.
EXIT_RESTART = 75  # EX_TEMPFAIL
EXIT_CONFIG = 78  # EX_CONFIG
EXIT_DEFECT = 70  # EX_SOFTWARE
# Of a person's command that can't do what was asked, as shells and their tools have it.
EXIT_USAGE = 2

CODES = {Kind.WAIT: EXIT_RESTART, Kind.RESTART: EXIT_RESTART, Kind.REFUSE: EXIT_CONFIG, Kind.DEFECT: EXIT_DEFECT}
# Names of the log events. The first class that fits counts, so a subclass comes before its base.
_EVENTS: dict[type[KnownError], str] = {
    FencedError: "fenced",
    ClientBrokenError: "client_broken",
    DiskFullError: "disk_full",
    SourceChangedError: "source_changed",
    StalledError: "stalled_ending",
    BrokerAwayError: "broker_away_ending",
    TopicMissingError: "topic_missing",
    UserError: "refused",
}


def code(error: BaseException) -> int:
    """Return the code with which a worker or a sink ends because of an error."""
    return CODES[error.kind if isinstance(error, KnownError) else Kind.DEFECT]


def end_process(error: BaseException) -> NoReturn:
    """End without Faust's shutdown, which would commit and flush. Uncommitted work has no effect.

    A KnownError is logged as its sentence, and its kind is the exit code; anything else is a defect, with its trace.
    """
    event = next((name for known, name in _EVENTS.items() if isinstance(error, known)), None)
    if event is None:
        logger.error("worker_failed", exc_info=error)
    elif isinstance(error, SourceChangedError):  # nothing is wrong
        logger.warning(event, why=str(error))
    else:
        logger.error(event, why=str(error))
    sys.stderr.flush()
    os._exit(code(error))
