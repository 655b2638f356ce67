"""What a process reports to monitoring and orchestrators: /metrics, /healthz and /readyz."""

import socket
from collections.abc import Callable, Iterable
from http import HTTPStatus
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Gauge, make_wsgi_app

from streams.errors import UserError

Start = Callable[..., Any]
Application = Callable[[dict[str, Any], Start], Iterable[bytes]]


# Says in one sentence why a process isn't ready; None if this is no reason. Called from any thread.
Check = Callable[[], str | None]


class Health:
    """Whether a process is healthy and ready. `why` says in one sentence why it isn't healthy; None if it is."""

    def __init__(self, ready: Gauge) -> None:
        self._ready = ready
        self.why: str | None = None
        # Reasons for which it is not ready, beside its gauge; asked at every request.
        self.checks: list[Check] = []

    @property
    def ready(self) -> bool:
        """Whether its gauge is at 1, and nothing else speaks against it."""
        return self._is_set() and not self._reasons()

    def why_not_ready(self) -> str | None:
        """Return every reason, a sentence each; None if the process is ready."""
        reasons = self._reasons()
        return " ".join(reasons) if reasons else None if self._is_set() else "not ready"

    def _is_set(self) -> bool:
        return any(sample.value == 1 for metric in self._ready.collect() for sample in metric.samples)

    def _reasons(self) -> list[str]:
        return [reason for check in self.checks if (reason := check()) is not None]


def serve(host: str, port: int, health: Health, registry: CollectorRegistry) -> None:
    """Serve from its own threads, so it answers even if the rest of the process hangs.

    /healthz and /readyz return 200, or 503 with the reasons; any other path, the Prometheus metrics.
    Raises UserError if the port is taken.
    """
    metrics: Application = make_wsgi_app(registry)

    def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/healthz":
                return _answer(start, health.why is None, health.why or "ok")
            case "/readyz":
                why_not = health.why_not_ready()
                return _answer(start, why_not is None, why_not or "ready")
            case _:
                return metrics(environ, start)

    server_type = _ServerOf6 if ":" in host else _Server
    try:
        server = make_server(host, port, application, server_type, handler_class=_Quiet)
    except OSError as error:
        why = f"Port {port} for metrics can't be bound ({error.strerror}): set IMPRESSIONS_METRICS_PORT."
        raise UserError(why) from None
    Thread(target=server.serve_forever, name="health", daemon=True).start()


def _answer(start: Start, well: bool, text: str) -> list[bytes]:
    status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
    start(f"{status.value} {status.phrase}", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{text}\n".encode()]


class _Server(ThreadingMixIn, WSGIServer):
    """One thread per request, so a request that hangs doesn't delay the others."""

    daemon_threads = True


class _ServerOf6(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    """Doesn't log requests: scrapes come every few seconds."""

    def log_message(self, format: str, *args: Any) -> None:
        pass
