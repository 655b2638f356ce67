"""Spans that are really sent: by OTLP over HTTP, to a receiver in this process, by a collector that runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from streams.collector import traces
from tests.support.collector import flush, running_collector

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SETTINGS = ("TRACES_ENDPOINT", "TRACES_HEADERS", "TRACES_PROTOCOL", "TRACES_COMPRESSION", "HEADERS", "COMPRESSION")


class Receiver:
    """What OpenTelemetry's own collector would be. While `silent`, it takes spans and gives no answer."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self.arrived, self.released = threading.Event(), threading.Event()
        self.silent = False

    def take(self, path: str, body: bytes) -> None:
        """Keep a request."""
        self.paths.append(path)
        self.bodies.append(body)
        self.arrived.set()
        if self.silent:
            self.released.wait()

    def spans(self) -> list[tuple[Span, dict[str, Any]]]:
        """Return each span with the attributes of the process that made it."""
        return [
            (span, values(each.resource.attributes))
            for body in self.bodies
            for each in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in each.scope_spans
            for span in scope.spans
        ]


def values(attributes: "list[KeyValue] | Any") -> dict[str, Any]:
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in attributes}


@contextmanager
def receiving() -> Iterator[tuple[Receiver, str]]:
    """Run a receiver; yield it with its address."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver, f"http://127.0.0.1:{server.server_port}"
    finally:
        receiver.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """None of the machine's own settings for traces, nor its proxy; afterwards, no thread that still sends."""
    for name in ("OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER", *(f"OTEL_EXPORTER_OTLP_{each}" for each in SETTINGS)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    yield
    for thread in threading.enumerate():
        if thread.name in ("traces", "OtelBatchSpanRecordProcessor"):
            thread.join(30)
            assert not thread.is_alive()


def test_a_collectors_spans_arrive_with_links_and_bounded_attributes(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as (receiver, address):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        with running_collector(collector_traces=True) as running:
            traced = {"traceparent": f"00-{TRACE}-{PARENT}-01", "Authorization": "Bearer v4.public.hidden"}
            assert running.post(flush("u-hidden", impressions=3), traced).status == 202
            assert running.ask("GET", "/v1/users/u-hidden/coverage").status == 404
            assert running.ask("GET", "/healthz").status == 200
        # The collector's end has sent what was left.
        assert set(receiver.paths) == {"/v1/traces"}
        found = {span.name: span for span, _ in receiver.spans()}
        assert {process["service.name"] for _, process in receiver.spans()} == {"impressions-collector"}
        everything = b"".join(receiver.bodies)
    assert set(found) == {"POST /v1/impressions", "send impressions.v1", "GET /v1/users/{user}/coverage"}
    request, append = found["POST /v1/impressions"], found["send impressions.v1"]
    assert (append.trace_id, append.parent_span_id) == (request.trace_id, request.span_id)
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in request.links] == [(TRACE, PARENT)]
    assert request.trace_id.hex() != TRACE
    assert not request.parent_span_id
    assert values(request.attributes) == {
        "http.request.method": "POST",
        "http.route": "/v1/impressions",
        "http.response.status_code": 202,
    }
    assert values(append.attributes)["messaging.batch.message_count"] == 1
    assert request.start_time_unix_nano <= append.start_time_unix_nano
    assert append.end_time_unix_nano <= request.end_time_unix_nano
    # No user, no token, no artwork.
    for hidden in (b"hidden", b"a0000"):
        assert hidden not in everything


def test_a_receiver_that_gives_no_answer_holds_up_neither_requests_nor_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(traces.logger, "warning", lambda event, **more: said.append(event))
    monkeypatch.setattr(traces, "FINISH_SECONDS", 0.05)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    with receiving() as (receiver, address):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        receiver.silent = True
        with running_collector(collector_traces=True) as running:
            assert running.post(flush()).status == 202
            assert receiver.arrived.wait(30)
            assert running.post(flush()).status == 202
        # It has ended, and the receiver still holds what it got first.
        assert not receiver.released.is_set()
        assert len(receiver.bodies) == 1
    assert said == ["traces_unsent"]


def test_with_nobody_there_spans_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "FINISH_SECONDS", 0.05)
    with receiving() as (_, address):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    with running_collector(collector_traces=True) as running:
        assert running.post(flush()).status == 202
