"""Failpoints: named places where tests can make a process die, hang or wait, to prove what happens then.

Off unless IMPRESSIONS_FAILPOINTS_DIR names a folder. A failpoint then costs one look for a file, otherwise one
comparison. To arm one, write an `Armed` as JSON to `<folder>/<process>/<failpoint>`. The process renames that file to
`<failpoint>.fired` before it acts, so the next process does not die of it again.
"""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from streams.runtime import log
from streams.settings import Settings

logger = log.get(__name__)


class Failpoint(StrEnum):
    """All failpoints. The first part of a name is the kind of process that has it."""

    # A chunk is decoded and decided; nothing has left the process.
    WORKER_DECODED = "worker.decoded"
    # All records of a transaction are on the broker, uncommitted.
    WORKER_PRODUCED = "worker.produced"
    WORKER_COMMIT_BEFORE = "worker.commit.before"
    WORKER_COMMIT_AFTER = "worker.commit.after"
    # The local store has the chunk too.
    WORKER_STORED = "worker.stored"
    # Around Faust's commit of its offsets.
    WORKER_OFFSET_BEFORE = "worker.offset.before"
    WORKER_OFFSET_AFTER = "worker.offset.after"
    # A partition is assigned; its previous owner may still work.
    WORKER_TAKING = "worker.taking"
    # Recovery of a partition: the previous owner is fenced; the barriers are committed; a batch of changes is stored.
    WORKER_FENCED = "worker.fenced"
    WORKER_BARRIER = "worker.barrier"
    WORKER_RESTORING = "worker.restoring"
    # Partitions are being revoked, and no work on them is in progress any more.
    WORKER_REVOKED = "worker.revoked"

    # A partition is assigned; what its tables hold is known, what was committed and where its log ends is not yet.
    SINK_PLACING = "sink.placing"
    SINK_INSERT_BEFORE = "sink.insert.before"
    # Between two tables of one block.
    SINK_INSERT_BETWEEN = "sink.insert.between"
    SINK_INSERT_AFTER = "sink.insert.after"
    SINK_COMMIT_AFTER = "sink.commit.after"

    # A request is read, and nothing of it is in the log; or the brokers have all of it, and no answer has left.
    COLLECTOR_READ = "collector.read"
    COLLECTOR_APPENDED = "collector.appended"

    # An insert's body has arrived; the insert is stored, but not answered yet.
    CLICKHOUSE_RECEIVED = "clickhouse.insert.received"
    CLICKHOUSE_STORED = "clickhouse.insert.stored"


class Action(StrEnum):
    """What an armed failpoint does."""

    KILL = "kill"  # SIGKILL to itself
    STOP = "stop"  # SIGSTOP to itself, until someone sends SIGCONT
    SLEEP = "sleep"
    CUT = "cut"  # close the connection without an answer; embedded ClickHouse only


class Armed(BaseModel):
    """How a failpoint is armed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Action
    hit: int = 1
    """Acts at this hit, counted from when it was armed."""
    seconds: float = 0.0
    """How long SLEEP takes."""
    always: bool = False
    """Acts at every hit from then on, until the file is removed."""


_folder: Path | None = None
_hits: Counter[Failpoint] = Counter()
# Partitions commit concurrently: only one of them may take an armed failpoint.
_taking = threading.Lock()


def enable(settings: Settings, process: str) -> None:
    """Enable the process's failpoints if the settings name a folder."""
    global _folder  # noqa: PLW0603 - one process, one set of failpoints
    if settings.failpoints_dir is not None:
        _folder = settings.failpoints_dir / process
        logger.warning("failpoints_enabled", process=process)


def hit(name: Failpoint, before: Callable[[], object] | None = None) -> None:
    """If the failpoint is armed, call `before` and then act."""
    if _folder is None or (armed := take(name)) is None:
        return
    if before is not None:
        before()
    act(armed)


def take(name: Failpoint) -> Armed | None:
    """Return how the failpoint must act now, or None. For callers that act themselves."""
    if _folder is None:
        return None
    with _taking:
        return _take(_folder / name, name)


def _take(file: Path, name: Failpoint) -> Armed | None:
    try:
        armed = Armed.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        _hits.pop(name, None)
        return None
    except ValidationError as error:
        logger.error("failpoint_unreadable", failpoint=name, why=str(error))
        return None
    _hits[name] += 1
    if _hits[name] < armed.hit:
        return None
    if not armed.always:
        file.rename(file.with_name(f"{name}.fired"))
        del _hits[name]
    logger.warning("failpoint_fired", failpoint=name, action=armed.action)
    return armed


def act(armed: Armed) -> None:
    """Die, hang or wait. The caller implements CUT."""
    match armed.action:
        case Action.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        case Action.STOP:
            os.kill(os.getpid(), signal.SIGSTOP)
        case Action.SLEEP:
            time.sleep(armed.seconds)
