"""Ends a process that can't go on, at once. Crashing is always safe; going on may not be."""

import os
import sys
from typing import NoReturn

from streams.errors import DiskFullError, FencedError, SourceChangedError, StalledError, UserError
from streams.runtime import log

logger = log.get(__name__)

# From sysexits.h: a supervisor should restart the process; a person must look first; a defect of ours.
EXIT_RESTART = 75  # EX_TEMPFAIL
EXIT_CONFIG = 78  # EX_CONFIG
EXIT_DEFECT = 70  # EX_SOFTWARE


def end_process(error: BaseException) -> NoReturn:
    """End without Faust's shutdown, which would commit and flush. Uncommitted work has no effect."""
    match error:
        case FencedError():
            logger.error("fenced", why=str(error))
            code = EXIT_RESTART
        case DiskFullError():
            logger.error("disk_full", why=str(error))
            code = EXIT_RESTART
        case SourceChangedError():
            logger.warning("source_changed", why=str(error))
            code = EXIT_RESTART
        case StalledError():
            logger.error("stalled_ending", why=str(error))
            code = EXIT_RESTART
        case UserError():
            logger.error("refused", why=str(error))
            code = EXIT_CONFIG
        case _:
            logger.error("worker_failed", exc_info=error)
            code = EXIT_DEFECT
    sys.stderr.flush()
    os._exit(code)
