"""A lane: what the scenarios of one engine share, one scenario at a time: site, front, network, collector."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from streams.embedded.ports import free_block
from tests.browsers import network
from tests.browsers.front import Front
from tests.browsers.network import Network
from tests.browsers.servers import HOST, Servers
from tests.browsers.site.server import Site
from tests.browsers.stack import Collector, Stack
from tests.browsers.stand_in import NoStack, StandIn
from tests.browsers.subjects import Subject


@dataclass(frozen=True)
class Lane:
    """All that is between a page and the readers."""

    engine: str
    subject: Subject
    site: Site
    origin: str
    front: Front
    network: Network
    collector: Collector | StandIn
    stack: Stack | NoStack
    servers: Servers
    folder: Path
    """For the browsers' profiles."""

    @property
    def endpoint(self) -> str:
        """Return the collector's address, as pages know it."""
        return self.network.address

    def heal(self) -> None:
        """Undo what a scenario did."""
        self.front.clear()
        self.network.on()
        self.collector.restore()


def site_ports(lanes: int) -> list[int]:
    """Return a port for each lane's site: known before the stack starts, which must allow their origins."""
    return [free_block(1) for _ in range(lanes)]


def origin(port: int) -> str:
    """Return a site's origin."""
    return f"http://{HOST}:{port}"


@contextmanager
def running(
    engine: str, subject: Subject, stack: Stack | None, index: int, port: int, api: str, folder: Path
) -> Iterator[Lane]:
    """Run a lane's servers; `api` is Toxiproxy's."""
    real = stack.collector(index) if stack else None
    site, front, front_port = Site(subject), Front(subject, real.address if real else ""), free_block(1)
    servers = Servers(site, port, front, front_port)
    collector = real or StandIn(front, servers.soon)
    try:
        between = network.between(api, f"lane-{index}-{engine}-{subject.name}", f"{HOST}:{front_port}")
        try:
            yield Lane(
                engine, subject, site, origin(port), front, between, collector, stack or NoStack(), servers, folder
            )
        finally:
            between.close()
    finally:
        servers.close()
