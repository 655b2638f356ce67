"""The upstream defects that we work around still exist: each reproduction in upstream/ still reproduces."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.kafka import ROOT, running_broker
from tests.support.stack import Installation

pytestmark = pytest.mark.integration

FOLDER = ROOT / "upstream"
REPRODUCED = 1
# Each takes some seconds, mostly to start a worker; one that takes longer than this hangs.
SECONDS = 180.0
NEW_BROKERS = 3
# Which of our files answers which reproduction.
ANSWERS = {
    "uvicorn_head.py": "streams/collector/http/protocol.py (data_received, _head_late)",
    "uvicorn_reset.py": "streams/collector/http/protocol.py (connection_lost)",
    "uvicorn_trailer.py": "streams/collector/http/strict.py",
    "chdb_insert_done.py": "streams/embedded/clickhouse/session.py (begin_insert)",
    "chdb_full_disk.py": "streams/sink/writer.py (_INSERT)",
    "faust_wait_empty.py": "streams/worker/app.py (stream_wait_empty)",
    "faust_transactional_changelog.py": "streams/worker/restore.py",
    "faust_take.py": "docs/decisions/0002 (L2): take() is not used",
    "faust_exception.py": "streams/worker/faust/agent.py",
    "faust_flush.py": "docs/decisions/0002 (L4)",
    "faust_failed_send.py": "docs/decisions/0002 (L5)",
    "faust_new_offset.py": "streams/worker/faust/consumer.py (_new_offset)",
    "faust_buffer_full.py": "streams/worker/faust/consumer.py (on_buffer_full)",
}
# The reproduction that needs a file system of its own.
MOUNTS = "chdb_full_disk.py"
# The reproduction that needs a broker whose groups have no coordinator yet. It stops a broker again and again until it
# is lucky, so no test waits for it.
BY_LUCK = "librdkafka_no_brokers.py"
OF_A_NEW_BROKER, ITS_ANSWER = "librdkafka_group_offsets.py", "streams/kafka/admin.py (committed)"


def reproduces(script: str, bootstrap: str) -> bool:
    """Run a reproduction and return its verdict."""
    done = subprocess.run(
        [sys.executable, str(FOLDER / script), bootstrap],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    said = f"{done.stdout}{done.stderr}"
    assert done.returncode in (0, REPRODUCED), f"{script} could not run: {said}"
    return done.returncode == REPRODUCED


def mended(answer: str) -> str:
    return f"mended upstream? then remove our answer to it: {answer}"


@pytest.mark.parametrize("script", sorted(ANSWERS))
def test_each_defect_still_reproduces(installation: Installation, script: str) -> None:
    if script == MOUNTS and os.geteuid() != 0:
        pytest.skip("a small file system needs the permission to mount")
    assert reproduces(script, installation.settings.kafka_bootstrap), mended(ANSWERS[script])


def test_the_defect_of_a_new_broker_still_reproduces(tmp_path: Path) -> None:
    # The moment that it needs is short, and on a busy machine the script may start too late.
    for number in range(NEW_BROKERS):
        with running_broker(tmp_path / str(number)) as settings:
            if reproduces(OF_A_NEW_BROKER, settings.kafka_bootstrap):
                return
    pytest.fail(mended(ITS_ANSWER))


def test_every_script_is_in_the_table_and_in_this_test() -> None:
    scripts = {path.name for path in FOLDER.glob("*.py") if not path.stem.endswith("kit")}
    assert scripts == {*ANSWERS, OF_A_NEW_BROKER, BY_LUCK}
    table = (FOLDER / "README.md").read_text()
    assert not {name for name in scripts if f"`{name}`" not in table}
