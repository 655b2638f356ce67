"""What the machine must allow for this many connections: asked before anything is started."""

import resource
from pathlib import Path

from streams.errors import UserError

# Beside one connection a user: the generator's other files, and those of a collector with its brokers and a database.
OTHER_FILES = 500
PORTS_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def require_files(users: int) -> None:
    """Let this process and what it starts open a connection for each user. Raises UserError if the system won't."""
    needed = users + OTHER_FILES
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed >= needed:
        return
    if most != resource.RLIM_INFINITY and most < needed:
        raise UserError(
            f"{users:,} users need {needed:,} open files a process, and this one may have {most:,}: "
            f"raise the limit (ulimit -n {needed}), or take fewer users (USERS={max(1, most - OTHER_FILES)})."
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, most))


def require_ports(users: int, file: Path = PORTS_FILE) -> None:
    """Raise UserError if one address has fewer ports than there are users: each connection to the collector needs one.

    Where the system doesn't say how many it has, nothing is refused.
    """
    if not file.exists():
        return
    first, last = map(int, file.read_text().split())
    if users > (have := last - first + 1):
        raise UserError(f"{users:,} users need a port each, and this machine's address has {have:,}: take fewer users.")
