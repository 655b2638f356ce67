"""A chunk lost between the fetcher and the agent is noticed at the next chunk, and read again."""

import sys
from random import Random

import pytest

from tests.support import losing_worker
from tests.support.load import load
from tests.support.stack import Installation
from tests.support.wait import until
from tests.support.worker import WorkerProcess

pytestmark = pytest.mark.integration

SECONDS = 90.0
# Small chunks, so there are many to lose.
CHUNK = 10


def test_lost_chunks_are_read_again(installation: Installation) -> None:
    installation.no_worker()
    settings = installation.settings.model_copy(update={"chunk_records": CHUNK})
    worker = WorkerProcess(settings, 0, (sys.executable, losing_worker.__file__, "worker"))
    try:
        worker.start().wait_ready()
        installation.produce(load(Random(17), "lost", 6_000))
        until(lambda: worker.output().count("chunk_missed") > 3, SECONDS, "chunks are missed")
    finally:
        worker.kill()
    # A worker without the defect finishes what the last lost chunks left undone.
    installation.only_worker()
    installation.audit.check()
