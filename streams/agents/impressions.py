"""The worker's one agent."""

import os
from typing import Any, NoReturn

from streams import log
from streams.agents.partitions import Partitions
from streams.errors import UserError
from streams.kafka.transaction import FencedError

logger = log.get(__name__)

# sysexits.h: what a supervisor should start again, and what a person has to look at first.
EXIT_RESTART = 75  # EX_TEMPFAIL
EXIT_CONFIG = 78  # EX_CONFIG
EXIT_DEFECT = 70  # EX_SOFTWARE


async def decide_chunks(partitions: Partitions, stream: Any) -> None:
    """Decide and commit chunk after chunk. No exception leaves: Faust would acknowledge the chunk (L1).

    Bad input is no exception but a rejected row; a broker that is away is waited for. What is left ends the
    process, and whatever was not committed did not happen.
    """
    async for event in stream.events():
        try:
            await partitions.process(event.message.partition, event.value)
        except Exception as error:
            end_process(error)


def end_process(error: BaseException) -> NoReturn:
    """End at once, without Faust's shutdown, which would commit and flush. Crashing is safe here, always."""
    match error:
        case FencedError():
            logger.error("fenced", why=str(error))
            code = EXIT_RESTART
        case UserError():
            logger.error("refused", why=str(error))
            code = EXIT_CONFIG
        case _:
            logger.error("worker_failed", exc_info=error)
            code = EXIT_DEFECT
    os._exit(code)
