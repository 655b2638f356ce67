"""The workers and sinks of this machine: those that `impressions up` started, and those that happen to be there."""

from collections.abc import Iterator

from streams.embedded import stack
from streams.runtime import members
from streams.runtime.loopback import is_loopback
from streams.settings import Settings
from streams.top.target import Target

# An address to listen on, and the one to reach it at.
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


def on_this_machine(settings: Settings, indexes: int) -> list[Target]:
    """Return worker-0, sink-0 and every other one that was started, as expected; and those with a lower index.

    Ports of the latter are only tried on this machine's own addresses.
    """
    started = [row.component for row in stack.status(settings)]
    expected = [name for name in started if name.startswith(("worker-", "sink-"))]
    host = _ANY.get(settings.metrics_host, settings.metrics_host)
    found = [_target(settings, name, host, True) for name in sorted(expected, key=_order)]
    if is_loopback(host):
        others = (name for name in _names(indexes) if name not in expected)
        found += [_target(settings, name, host, False) for name in others]
    return found


def _names(indexes: int) -> Iterator[str]:
    return (f"{kind}-{index}" for kind in ("worker", "sink") for index in range(indexes))


def _order(name: str) -> tuple[bool, int]:
    kind, _, index = name.rpartition("-")
    return kind == "sink", int(index)


def _target(settings: Settings, name: str, host: str, expected: bool) -> Target:
    kind, _, index = name.rpartition("-")
    return Target(name, host, members.port(settings, kind, int(index)), expected=expected)
