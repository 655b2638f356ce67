"""What every Python peer shares: how it gets its task from the bench, and how it reports its progress.

Standard library only: each peer has its own environment.
"""

import os
import signal
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

COUNTER = "peer_impressions_total"
WINDOW_MS = 600_000


class Task(NamedTuple):
    """What the bench asks of a peer."""

    bootstrap: str
    folder: Path
    """Where its state goes."""
    metrics_port: int
    partitions: int
    input: str
    output: str
    """Empty if the peer writes nothing."""
    group: str
    variant: str
    size: int
    """Impressions per record on average, for settings that count records."""

    @classmethod
    def load(cls) -> "Task":
        """Read the task from the environment. Raises KeyError for what is missing."""
        get = os.environ.__getitem__
        return cls(
            bootstrap=get("PEER_BOOTSTRAP"),
            folder=Path(get("PEER_FOLDER")),
            metrics_port=int(get("PEER_METRICS_PORT")),
            partitions=int(get("PEER_PARTITIONS")),
            input=get("PEER_INPUT"),
            output=get("PEER_OUTPUT"),
            group=get("PEER_GROUP"),
            variant=get("PEER_VARIANT"),
            size=int(get("PEER_SIZE")),
        )


class Progress:
    """Counts decided impressions, and serves the count over HTTP."""

    def __init__(self) -> None:
        self.impressions = 0

    def exposition(self) -> bytes:
        """Return the count as a Prometheus metric."""
        return f"{COUNTER} {self.impressions}\n".encode()

    def serve(self, port: int) -> None:
        """Serve the metric on a loopback port, from a thread of its own."""
        progress = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = progress.exposition()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Log nothing: a line for each request would be measured too."""

        server = ThreadingHTTPServer(("127.0.0.1", port), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()


def is_near(seen_at: int, times: Iterable[int]) -> bool:
    """Rule 2: whether one of the accepted times lies less than a window away (ms)."""
    return any(-WINDOW_MS < seen_at - other < WINDOW_MS for other in times)


def kept(times: list[int], seen_at: int) -> list[int]:
    """Return the accepted times with one more, without those two windows back (ms): nothing can be near those."""
    return [*(other for other in times if other > seen_at - 2 * WINDOW_MS), seen_at]


def end_on_sigterm() -> None:
    """Make SIGTERM act as Ctrl-C, for frameworks that only handle that."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
