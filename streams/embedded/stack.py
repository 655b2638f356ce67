"""The background stack: `impressions up`, `down` and `status`.

`up` leaves a supervisor running, if it is asked to, which starts again what dies (streams.embedded.supervisor). Without
it what dies stays down: `status` shows it, and the next `up` starts it again.
"""

import fcntl
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from streams.embedded import process
from streams.embedded.components import DEFAULT, GRACE_SECONDS, Component, component, environment, external
from streams.errors import UserError
from streams.provision.run import provision
from streams.settings import Settings

# How often starting processes are asked whether they are ready; a round of refused connections costs under 1 ms.
POLL_SECONDS = 0.05
# The name of the supervisor's record; it is no component, since it has no address and nothing waits for it.
SUPERVISOR = "supervisor"

Out = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """What `impressions status` says of one component."""

    component: str
    pid: int | None
    up: bool
    address: str
    since: datetime | None
    hint: str = ""


def up(settings: Settings, components: Sequence[str] = DEFAULT, *, out: Out, supervise: bool = False) -> None:
    """Start what does not run yet, and return once all of it is ready.

    Servers first, both at once; then what they must hold is provisioned if a worker or a sink is to run; then those;
    then, with `supervise`, the supervisor. Raises UserError, naming the log, when one does not get ready; what this
    call started is stopped again.
    """
    with lock(settings):
        wanted = _ours(settings, components, out)
        started: list[Component] = []
        try:
            _start_tier(settings, [each for each in wanted if each.tier == 0], started, out)
            programs = [each for each in wanted if each.tier == 1]
            if programs:
                begun = time.monotonic()
                provision(settings, False, lambda line: None if line.startswith("=") else out(f"  {line}"))
                out(f"provision: done in {time.monotonic() - begun:.1f} s")
            _start_tier(settings, programs, started, out)
            if supervise:
                _start_supervisor(settings, out)
        except BaseException:
            _stop(settings, [each.name for each in started], out)
            raise


def down(settings: Settings, *, out: Out) -> None:
    """Stop every process that is recorded, the supervisor first, programs before servers. The data stays."""
    with lock(settings):
        names = process.recorded(settings)
        if not names:
            out("nothing runs")
        _stop(settings, names, out)


def status(settings: Settings) -> list[Row]:
    """Return a row for each component of the default stack and each that has a record."""
    rows = []
    for name in [*DEFAULT, *(each for each in process.recorded(settings) if each not in DEFAULT)]:
        if external(name, settings):
            continue
        started = process.running(name, settings)
        address = "" if name == SUPERVISOR else str(component(name, settings).address)
        since = datetime.fromtimestamp(started.since, UTC) if started else None
        rows.append(
            Row(name, started.pid if started else None, started is not None, address, since, _hint(name, settings))
        )
    return rows


def _hint(name: str, settings: Settings) -> str:
    """What a person should know of a component that is down and stays down."""
    started = process.read(name, settings)
    if started is None or not started.refused or process.is_running(started):
        return ""
    return f"refused to go on: {process.log_file(name, settings)} says why; `impressions up {name}` tries again"


def _start_supervisor(settings: Settings, out: Out) -> None:
    if sentence := process.clean_stale(SUPERVISOR, settings):
        out(sentence)
    if started := process.running(SUPERVISOR, settings):
        out(f"{SUPERVISOR}: already running (process {started.pid})")
        return
    argv = [sys.executable, "-m", "streams", "supervise"]
    started = process.start(SUPERVISOR, argv, settings, environment(settings))
    out(f"{SUPERVISOR}: watches the others (process {started.pid})")


def _ours(settings: Settings, names: Sequence[str], out: Out) -> list[Component]:
    """Return the components that are to be started here: not external, not running; stale records are removed."""
    wanted = []
    for name in dict.fromkeys(names):
        if sentence := external(name, settings) or process.clean_stale(name, settings):
            out(sentence)
        if external(name, settings):
            continue
        found = component(name, settings)
        if started := process.running(name, settings):
            out(f"{name}: already running (process {started.pid}, {found.address})")
        else:
            wanted.append(found)
    return wanted


def _start_tier(settings: Settings, tier: Sequence[Component], started: list[Component], out: Out) -> None:
    """Start components at once and wait for all; what has been started is appended as it happens."""
    begun = {}
    # ClickHouse before Kafka, whose preparation runs programs: the one opens its store meanwhile.
    for each in sorted(tier, key=lambda each: each.name):
        begun[each.name] = time.monotonic()
        each.prepare(out)
        process.start(each.name, each.argv(), settings, environment(settings))
        started.append(each)
    pending = list(started[-len(begun) :]) if begun else []
    while pending:
        for each in list(pending):
            log = process.log_file(each.name, settings)
            if each.ready():
                out(f"{each.name}: ready at {each.address} after {time.monotonic() - begun[each.name]:.1f} s")
                pending.remove(each)
            elif process.wait_exit(each.name, settings, POLL_SECONDS):
                # Its record goes now, so that nobody calls it stale later: this is the sentence about it.
                process.stop(each.name, settings, GRACE_SECONDS)
                started.remove(each)
                raise UserError(f"{each.name} ended while it was starting; its log is {log}.")
            elif time.monotonic() - begun[each.name] > each.patience:
                raise UserError(f"{each.name} was not ready after {each.patience:.0f} s; its log is {log}.")


def _stop(settings: Settings, names: Sequence[str], out: Out) -> None:
    """Stop processes: the supervisor, which would start the others again, then those of a tier at once, the highest
    tier first."""

    def stop(name: str) -> None:
        if sentence := process.clean_stale(name, settings):
            out(sentence)
        elif process.stop(name, settings, GRACE_SECONDS):
            out(f"{name}: stopped")

    servers = [name for name in names if name in DEFAULT[:2]]
    programs = [name for name in names if name not in (*servers, SUPERVISOR)]
    for tier in ([name for name in names if name == SUPERVISOR], programs, servers):
        with ThreadPoolExecutor(max(1, len(tier))) as pool:
            list(pool.map(stop, tier))


@contextmanager
def lock(settings: Settings, wait: bool = True) -> Iterator[bool]:
    """Let one of `up`, `down` and the supervisor work on a data folder at a time; another waits.

    Yields whether the lock is held: without `wait`, it is not when someone else has it.
    """
    path = settings.data_dir.resolve() / "run" / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
