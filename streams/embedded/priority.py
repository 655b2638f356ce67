"""Who has the processor first where it is scarce: the collector and the broker, for whose answer somebody waits.

The others catch up. They get the same in total as long as there is time for all.
"""

import os
from contextlib import suppress
from pathlib import Path

from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder

# As of nice(1): about a tenth of the processor while others want all of it.
NICENESS = 10
ANSWERS = "collector-"
GIVE_WAY = ("clickhouse", "worker-", "sink-")


def give_way(folder: RunFolder) -> None:
    """If a collector is recorded, let it and the broker go before the other programs that run."""
    names = folder.recorded()
    if not any(name.startswith(ANSWERS) for name in names):
        return
    for name in names:
        if name.startswith(GIVE_WAY) and (pid := Program(name, folder).pid) is not None:
            _lower(pid)


def _lower(pid: int) -> None:
    """Lower a process's priority: all its threads, and on Linux the session that it leads, which else counts more."""
    tasks = Path(f"/proc/{pid}/task")
    with suppress(OSError):  # it has just ended, or was given a higher niceness by somebody else
        for thread in [int(each.name) for each in tasks.iterdir()] if tasks.is_dir() else [pid]:
            os.setpriority(os.PRIO_PROCESS, thread, NICENESS)
    with suppress(OSError):  # not this kernel, or it has just ended
        Path(f"/proc/{pid}/autogroup").write_text(str(NICENESS))
