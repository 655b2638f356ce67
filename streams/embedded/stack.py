"""The background stack: `impressions up`, `down` and `status`.

On request, `up` leaves a supervisor running, which restarts what dies (streams.embedded.supervisor). Without it, what
dies stays down: `status` shows it, and the next `up` restarts it.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from streams.embedded.components import DEFAULT, PIPELINE, Component, command_line, component, external, gallery
from streams.embedded.priority import give_way
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from streams.errors import StateLostError
from streams.provision.run import provision
from streams.settings import Settings

# The name of the supervisor's record. It is not a component: it has no address, and nothing waits for it.
SUPERVISOR = "supervisor"
# How the names of workers begin.
WORKERS = "worker-"

Out = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """What `impressions status` shows about one component."""

    component: str
    pid: int | None
    up: bool
    address: str
    since: datetime | None
    hint: str = ""


def up(settings: Settings, components: Sequence[str] = PIPELINE, *, out: Out, supervise: bool = False) -> None:
    """Start what does not run yet, and return once everything is ready.

    First the servers start, both at once. If a worker or a sink is to run, the servers are provisioned and then it
    starts; last, with `supervise`, the supervisor. Raises UserError that names the log if one does not become ready;
    what this call started is then stopped.

    If the state was lost, everything but workers starts, since `impressions rebuild` needs it; with a worker among the
    names, this then raises StateLostError.
    """
    folder = RunFolder(settings.data_dir)
    lost: StateLostError | None = None
    with folder.lock():
        wanted = _ours(settings, components, out)
        started: list[Component] = []
        try:
            _start_tier([each for each in wanted if each.tier == 0], started, out)
            programs = [each for each in wanted if each.tier == 1]
            if programs:
                lost = _provision(settings, out)
            if lost is not None:
                programs = [each for each in programs if not each.name.startswith(WORKERS)]
            _start_tier(programs, started, out)
            give_way(folder)
            if supervise:
                _start_supervisor(settings, out)
            if DEFAULT[-1] in components and gallery(settings) is not None:
                out(f"gallery: http://{component(DEFAULT[-1], settings).address}/gallery/")
        except BaseException:
            _stop(folder, [each.name for each in started], out)
            raise
    if lost is not None and any(name.startswith(WORKERS) for name in components):
        raise lost


def down(settings: Settings, *, out: Out) -> None:
    """Stop every recorded process: the supervisor first, programs before servers. The data stays."""
    folder = RunFolder(settings.data_dir)
    with folder.lock():
        names = folder.recorded()
        if not names:
            out("nothing runs")
        _stop(folder, names, out)


def status(settings: Settings) -> list[Row]:
    """Return a row for each component of the default stack and for each other recorded process."""
    rows, folder = [], RunFolder(settings.data_dir)
    for name in [*DEFAULT, *(each for each in folder.recorded() if each not in DEFAULT)]:
        if external(name, settings):
            continue
        program = Program(name, folder)
        started = program.running()
        address = "" if name == SUPERVISOR else str(component(name, settings).address)
        since = datetime.fromtimestamp(started.since, UTC) if started else None
        rows.append(Row(name, started.pid if started else None, started is not None, address, since, _hint(program)))
    return rows


def supervisor(settings: Settings) -> Program:
    """Return the program that restarts what dies."""
    return command_line(SUPERVISOR, settings, "supervise")


def _provision(settings: Settings, out: Out) -> StateLostError | None:
    """Provision the servers; return the error if the state of earlier work was lost."""
    begun = time.monotonic()
    try:
        provision(settings, False, lambda line: None if line.startswith("=") else out(f"  {line}"))
    except StateLostError as error:
        out(f"provision: {error}")
        return error
    out(f"provision: done in {time.monotonic() - begun:.1f} s")
    return None


def _hint(program: Program) -> str:
    """Return what a person should know about a component that is down and stays down."""
    started = program.started()
    if started is None or not started.refused or program.is_running:
        return ""
    return f"refused to go on: {program.log} says why; `impressions up {program.name}` tries again"


def _start_supervisor(settings: Settings, out: Out) -> None:
    program = supervisor(settings)
    if sentence := program.clean_stale():
        out(sentence)
    if pid := program.pid:
        out(f"{SUPERVISOR}: already running (process {pid})")
    else:
        out(f"{SUPERVISOR}: watches the others (process {program.start().pid})")


def _ours(settings: Settings, names: Sequence[str], out: Out) -> list[Component]:
    """Return the components to start: those neither external nor running. Remove stale records."""
    wanted = []
    for name in dict.fromkeys(names):
        if sentence := external(name, settings):
            out(sentence)
            continue
        found = component(name, settings)
        if sentence := found.program.clean_stale():
            out(sentence)
        if pid := found.program.pid:
            out(f"{name}: already running (process {pid}, {found.address})")
        else:
            wanted.append(found)
    return wanted


def _start_tier(tier: Sequence[Component], started: list[Component], out: Out) -> None:
    """Start components at once and wait for all; append each to `started` as soon as it is started."""
    begun = {}
    # ClickHouse before Kafka: ClickHouse opens its store while Kafka's preparation runs programs.
    for each in sorted(tier, key=lambda each: each.name):
        begun[each.name] = time.monotonic()
        each.prepare(out)
        # Appended first: an interrupt may come as soon as it is started.
        started.append(each)
        each.program.start()
    pending = list(started[-len(begun) :]) if begun else []
    while pending:
        for each in list(pending):
            if each.program.has_become(each.ready, begun[each.name], each.patience):
                out(f"{each.name}: ready at {each.address} after {time.monotonic() - begun[each.name]:.1f} s")
                pending.remove(each)


def _stop(folder: RunFolder, names: Sequence[str], out: Out) -> None:
    """Stop processes: first the supervisor, which would restart the others, then tier by tier from the highest."""

    def stop(name: str) -> None:
        program = Program(name, folder)
        if sentence := program.clean_stale():
            out(sentence)
        elif program.is_running:
            program.stop()
            out(f"{name}: stopped")

    servers = [name for name in names if name in DEFAULT[:2]]
    programs = [name for name in names if name not in (*servers, SUPERVISOR)]
    for tier in ([name for name in names if name == SUPERVISOR], programs, servers):
        with ThreadPoolExecutor(max(1, len(tier))) as pool:
            list(pool.map(stop, tier))
