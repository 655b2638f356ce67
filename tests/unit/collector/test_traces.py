"""Traces: nothing at all while they are off; on, bounded spans that name no user and no client's secrets."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from streams.collector import traces
from streams.collector.errors import UnavailableError
from streams.collector.traces import Message, Receive, Send, pattern, provider, traced
from tests.support.collector import HeldLog

EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Door:
    """An application that appends what it is asked to, and answers with a status."""

    def __init__(self, log: HeldLog, status: int = 202) -> None:
        self._log, self._status = log, status

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["method"] == "POST":
            await self._log.append([(0, b"x"), (1, b"y")])
        await send({"type": "http.response.start", "status": self._status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def on(spans: InMemorySpanExporter) -> TracerProvider:
    made = TracerProvider()
    made.add_span_processor(SimpleSpanProcessor(spans))
    return made


def asked(app: traces.Application, method: str, path: str, *headers: tuple[bytes, bytes]) -> list[Message]:
    """Return what the application sends."""
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("no body is read here")

    async def send(message: Message) -> None:
        sent.append(message)

    async def call() -> None:
        await app({"type": "http", "method": method, "path": path, "headers": list(headers)}, receive, send)

    asyncio.run(call())
    return sent


def test_off_nothing_is_in_the_way_of_a_request() -> None:
    log = HeldLog()
    app = Door(log)
    assert traced(app, log, provider(False)) is app
    assert "append" not in vars(log)


def test_off_the_package_is_not_even_imported() -> None:
    code = (
        "import sys; from streams.collector.server import traces; traces.traced(print, None, traces.provider(False));"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize("missing", [EXPORTER, "opentelemetry.sdk.trace"])
def test_without_the_package_there_are_no_traces_and_a_log_line_says_so(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, EXPORTER, stub(InMemorySpanExporter))
    monkeypatch.setitem(sys.modules, missing, None)
    said: list[dict[str, Any]] = []
    monkeypatch.setattr(traces.logger, "warning", lambda event, **more: said.append({"event": event, **more}))
    assert provider(True) is None
    assert said == [
        {
            "event": "traces_unavailable",
            "why": f"IMPRESSIONS_COLLECTOR_TRACES is set and {missing} is missing, so there are no traces: install "
            "impression-streams[otel].",
        }
    ]


def stub(exporter: type) -> ModuleType:
    """A module in the place of the exporter's."""
    module = ModuleType(EXPORTER)
    module.OTLPSpanExporter = exporter  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize(("given", "name"), [({}, "impressions-collector"), ({"OTEL_SERVICE_NAME": "door"}, "door")])
def test_with_the_package_spans_are_sent_under_the_services_name(
    given: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[ReadableSpan] = []

    class Kept(InMemorySpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> Any:
            kept.extend(spans)
            return super().export(spans)

    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setitem(sys.modules, EXPORTER, stub(Kept))
    made = provider(True)
    assert made is not None
    log = HeldLog()
    asked(traced(Door(log), log, made), "POST", "/v1/impressions")
    made.shutdown()
    assert [span.name for span in kept] == ["send impressions.v1", "POST /v1/impressions"]
    assert {span.resource.attributes["service.name"] for span in kept} == {name}


def test_a_request_is_a_span_and_its_way_to_the_brokers_one_within(
    on: TracerProvider, spans: InMemorySpanExporter
) -> None:
    log = HeldLog()
    sent = asked(traced(Door(log), log, on), "POST", "/v1/impressions")
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert log.taken == [(0, b"x"), (1, b"y")]
    append, request = spans.get_finished_spans()
    assert (request.name, request.kind, request.parent) == ("POST /v1/impressions", SpanKind.SERVER, None)
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/impressions",
        "http.response.status_code": 202,
    }
    assert (append.name, append.kind) == ("send impressions.v1", SpanKind.PRODUCER)
    assert append.parent is not None
    assert append.parent.span_id == request.context.span_id
    assert append.attributes == {
        "messaging.system": "kafka",
        "messaging.operation.type": "send",
        "messaging.destination.name": "impressions.v1",
        "messaging.batch.message_count": 2,
    }


def test_what_fails_is_an_error_in_both_spans(on: TracerProvider, spans: InMemorySpanExporter) -> None:
    log = HeldLog()

    async def fail(lines: Sequence[tuple[int, bytes]]) -> None:
        raise UnavailableError("the brokers are away")

    log.append = fail  # type: ignore[method-assign]
    app = traced(Door(log), log, on)

    async def answers(scope: Message, receive: Receive, send: Send) -> None:
        with pytest.raises(UnavailableError):
            await log.append([(0, b"x")])
        await Door(HeldLog(), 503)({**scope, "method": "GET"}, receive, send)

    asked(app, "GET", "/v1/impressions")
    asked(traced(answers, HeldLog(), on), "POST", "/v1/impressions")
    first, append, request = spans.get_finished_spans()
    assert first.status.status_code is StatusCode.UNSET
    assert append.status.status_code is StatusCode.ERROR
    assert (request.status.status_code, (request.attributes or {})["http.response.status_code"]) == (
        StatusCode.ERROR,
        503,
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/impressions", "/v1/impressions"),
        ("/docs", "/docs"),
        ("/v1/users/u42/coverage", "/v1/users/{user}/coverage"),
        ("/v1/users/u42/favourites/a0042", "/v1/users/{user}/favourites/{artwork}"),
        ("/v1/users/u42/secrets", "other"),
        ("/v1/users/u42", "other"),
        ("/v1/users/u42/coverage/a/b", "other"),
        ("/recorder.js", "/recorder.js"),
        ("/recorder/1.0.0/stub.js", "/recorder/{version}/{file}"),
        ("/recorder/1.0.0/stub.js/x", "other"),
        ("/wp-login.php", "other"),
    ],
)
def test_a_path_is_its_pattern(path: str, expected: str) -> None:
    assert pattern(path) == expected


def test_a_span_names_no_user_no_secret_and_no_method_of_a_clients_own(
    on: TracerProvider, spans: InMemorySpanExporter
) -> None:
    log = HeldLog()
    app = traced(Door(log), log, on)
    secret = ((b"authorization", b"Bearer v4.public.secret"), (b"cookie", b"secret"))
    asked(app, "GET", "/v1/users/u42/history", *secret)
    asked(app, "SECRET", "/v1/users/u42/secret", *secret)
    found = spans.get_finished_spans()
    assert [span.name for span in found] == ["GET /v1/users/{user}/history", "_OTHER other"]
    for span in found:
        assert "u42" not in span.to_json()
        assert "secret" not in span.to_json().lower()


def test_a_clients_trace_is_linked_and_does_not_decide(on: TracerProvider, spans: InMemorySpanExporter) -> None:
    log = HeldLog()
    app = traced(Door(log), log, on)
    for given in (f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}-01", "nonsense"):
        asked(app, "GET", "/docs", (b"traceparent", given.encode()))
    asked(app, "GET", "/docs")
    *linked, wrong, without = spans.get_finished_spans()
    for span in linked:
        (link,) = span.links
        assert (f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") == (TRACE, SPAN)
        assert span.parent is None
        assert span.context.trace_id != link.context.trace_id
    assert len(linked) == 2
    assert not wrong.links
    assert not without.links


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_what_watches_the_collector_leaves_no_spans(path: str, on: TracerProvider, spans: InMemorySpanExporter) -> None:
    log = HeldLog()
    assert asked(traced(Door(log, 200), log, on), "GET", path)[0]["status"] == 200
    assert not spans.get_finished_spans()
