"""A process logs our own events, the SDK's and other libraries' in one format."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import logging
from impression_streams import log as sdk
from streams.runtime import log

log.configure("WARNING")
log.get("ours").warning("chunk_failed", offset=5)
sdk.write(logging.WARNING, "broker_error", code="_TRANSPORT", detail="1/1 brokers are down")
sdk.write(logging.ERROR, "on_delivery_failed", LookupError("k"), flush_id="f1")
sdk.write(logging.INFO, "not_shown")
logging.getLogger("library").warning("as %s", "it is")
"""


def test_the_sdks_lines_look_like_our_own() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert all(line.pop("timestamp") for line in lines)
    assert "LookupError: k" in lines[2].pop("exception")
    sdk = {"module": "impression_streams"}
    assert lines == [
        {"event": "chunk_failed", "module": "ours", "level": "warning", "offset": 5},
        {"event": "broker_error", "level": "warning", "code": "_TRANSPORT", "detail": "1/1 brokers are down", **sdk},
        {"event": "on_delivery_failed", "level": "error", "flush_id": "f1", **sdk},
        {"event": "as it is", "logger": "library", "level": "warning"},
    ]
    assert done.stdout == ""


REPLACED = """
import io, sys
from streams.runtime import log

log.configure("WARNING")
logger = log.get("ours")
sys.stderr = first = io.StringIO()
logger.warning("one")
first.close()
sys.stderr = second = io.StringIO()
logger.warning("two")
sys.stdout.write(second.getvalue())
"""


def test_a_logger_writes_to_the_stderr_of_the_moment() -> None:
    done = subprocess.run([sys.executable, "-c", REPLACED], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["event"] == "two"


UNREAD = """
import logging, os, sys
from streams.runtime import log

log.configure("WARNING")
logger, dropped = {logger}("ours"), []
log.BACKGROUND_LINES = 100
log.BACKGROUND_SECONDS = 0.1
with log.in_background(dropped.append):
    for number in range(2_000):
        logger.warning("x" * 150)
sys.stdout.write(str(sum(dropped)))
sys.stdout.flush()
os._exit(0)  # its thread waits for a pipe that nobody reads
"""


@pytest.mark.parametrize("logger", ["log.get", "logging.getLogger"])
def test_in_the_background_a_log_that_nobody_reads_holds_nobody_up_and_is_counted(logger: str) -> None:
    code = UNREAD.format(logger=logger)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        # More than a pipe (64 KiB) and the hundred lines hold; what was written stays unread until the end.
        assert 1_000 < int(process.stdout.read()) < 2_000


BACKGROUND = """
from streams.runtime import log

log.configure("WARNING")
logger = log.get("ours")
with log.in_background(lambda lines: None):
    for number in range(100):
        logger.warning("within", number=number)
logger.warning("after")
"""


def test_in_the_background_everything_is_written_by_the_end_and_in_its_order() -> None:
    done = subprocess.run([sys.executable, "-c", BACKGROUND], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line.get("number") for line in lines] == [*range(100), None]
    assert lines[-1]["event"] == "after"
