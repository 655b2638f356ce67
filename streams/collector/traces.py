"""OpenTelemetry traces of the collector, by the extra `impression-streams[otel]`.

Off, as it is by default, nothing of this is in the way of a request: `traced` returns the application that it was given
and leaves the log alone, and the package isn't even imported. On, each request is a span, and its way to the brokers
another one within it.

What a span says has bounded values: no user, no address, no payload, and of a path its pattern alone. A client's own
trace is linked, not continued: its `traceparent` would otherwise decide which of our spans are kept.
"""

import os
import re
import threading
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from streams.kafka.names import IMPRESSIONS
from streams.runtime import log

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Link, Tracer

    from streams.collector.log import Log

logger = log.get(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
Append = Callable[[Sequence[tuple[int, bytes]]], Coroutine[Any, Any, None]]

SERVICE = "impressions-collector"
# As OpenTelemetry's conventions have it: what isn't known is one word.
OTHER_METHOD, OTHER_PATH = "_OTHER", "other"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
_PATHS = frozenset({"/v1/impressions", "/docs", "/recorder.js", "/recorder.mjs", "/recorder-stub.js", "/recorder.json"})
# How long the end of a collector waits for its last spans: less than a supervisor that gives us 30 s in all has left.
FINISH_SECONDS = 2.0
# Asked every few seconds by what watches us.
_UNTRACED = frozenset({"/healthz", "/readyz", "/metrics"})
_OF_VERSION = re.compile(r"/recorder/[^/]+/[^/]+")
_OF_USER = re.compile(r"/v1/users/[^/]+/(coverage|unseen|prefetch|history|favourites|config)(/[^/]+)?")


def provider(wanted: bool) -> "TracerProvider | None":
    """Return what makes spans and sends them by OTLP over HTTP; None if it isn't wanted or can't be had.

    Where they go, how many are kept and the service's name are OpenTelemetry's own settings, OTEL_...
    """
    if not wanted:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        why = (
            f"IMPRESSIONS_COLLECTOR_TRACES is set and {error.name} is missing, so there are no traces: install "
            "impression-streams[otel]."
        )
        logger.warning("traces_unavailable", why=why)
        return None
    named = {SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME", SERVICE)}
    # Its own thread sends what is finished, and drops what it can't keep. `finish` sends the rest: by itself it would
    # do so at the process's end, and wait up to 30 s for a server that doesn't answer.
    made = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return made


def finish(made: "TracerProvider | None") -> None:
    """Send the spans that are left, unless that takes longer than FINISH_SECONDS; blocks that long."""
    if made is None:
        return
    ending = threading.Thread(target=made.shutdown, name="traces", daemon=True)
    ending.start()
    ending.join(FINISH_SECONDS)
    if ending.is_alive():
        logger.warning("traces_unsent", why=f"The last spans could not be sent within {FINISH_SECONDS:.0f} s.")


def traced(app: Application, log_: "Log", made_by: "TracerProvider | None") -> Application:
    """Return the application with a span for each request, and give the log's `append` one; without a provider, the
    application itself."""
    if made_by is None:
        return app
    from opentelemetry.trace import SpanKind, StatusCode

    tracer = made_by.get_tracer("streams.collector")
    log_.append = _appending(log_.append, tracer)  # type: ignore[assignment, method-assign]

    async def call(scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] in _UNTRACED:
            await app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else OTHER_METHOD
        route = pattern(scope["path"])
        attributes = {"http.request.method": method, "http.route": route}
        name, links = f"{method} {route}", _links(scope)
        with tracer.start_as_current_span(name, kind=SpanKind.SERVER, attributes=attributes, links=links) as span:

            async def sent(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status = message["status"]
                    span.set_attribute("http.response.status_code", status)
                    if status >= 500:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            await app(scope, receive, sent)

    return call


def pattern(path: str) -> str:
    """Return the pattern of a path, which names no user and no artwork."""
    if path in _PATHS:
        return path
    if _OF_VERSION.fullmatch(path):
        return "/recorder/{version}/{file}"
    found = _OF_USER.fullmatch(path)
    if found is None:
        return OTHER_PATH
    return f"/v1/users/{{user}}/{found[1]}" + ("/{artwork}" if found[2] else "")


def _appending(append: Append, tracer: "Tracer") -> Append:
    from opentelemetry.trace import SpanKind

    fixed = {"messaging.system": "kafka", "messaging.operation.type": "send", "messaging.destination.name": IMPRESSIONS}

    async def call(lines: Sequence[tuple[int, bytes]]) -> None:
        attributes: dict[str, str | int] = {**fixed, "messaging.batch.message_count": len(lines)}
        with tracer.start_as_current_span(f"send {IMPRESSIONS}", kind=SpanKind.PRODUCER, attributes=attributes):
            await append(lines)

    return call


def _links(scope: Message) -> "list[Link]":
    """Return a link to the span that the client says it is in, if it says so."""
    from opentelemetry.trace import Link, get_current_span
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in scope["headers"]
        if name in (b"traceparent", b"tracestate")
    }
    if not carrier:
        return []
    context = get_current_span(TraceContextTextMapPropagator().extract(carrier)).get_span_context()
    return [Link(context)] if context.is_valid else []
