"""The collector by its own OpenAPI document: requests drawn from it, right and wrong ones, on real broker and engine.

`make test` draws the same few requests each time; `make fuzz` draws many, and others each time.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, TypeAlias

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import load_all_checks
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks
from schemathesis.specs.openapi.schemas import OpenApiSchema

from streams.collector.http.openapi import document
from streams.collector.reads.openapi import paths
from streams.settings import Settings
from tests.support import source
from tests.support.collector import PATH
from tests.support.program import MemberProcess
from tests.support.stack import Installation
from tests.support.wait import until

pytestmark = pytest.mark.integration

SECONDS = 60.0
# Requests of each kind to each operation; with a number of one's own, they are others in each run.
DRAWN = os.environ.get("IMPRESSIONS_TEST_FUZZ", "")
EXAMPLES = int(DRAWN or 60)
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
OPERATIONS = [(path, method) for path, methods in document(paths())["paths"].items() for method in methods]
# What can be got wrong: a parameter or a body. The others ask for a page, which is always there.
WITH_INPUT = [(path, method) for path, method in OPERATIONS if path.startswith("/v1/")]
QUICKLY = settings(
    max_examples=EXAMPLES,
    derandomize=not DRAWN,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


Case: TypeAlias = schemathesis.Case[Any]


class Fuzzed:
    """A collector under drawn requests, and what it was sent."""

    def __init__(self, address: str, begin: dict[int, int]) -> None:
        self.address, self.begin = address, begin
        self.schema: OpenApiSchema = schemathesis.openapi.from_url(f"{address}/openapi.json")
        self.session = requests.Session()
        self.session.trust_env = False
        self.sent: Counter[bytes] = Counter()
        """Every line that was sent to be recorded."""
        self.taken: Counter[bytes] = Counter()
        """Those that an answer calls recorded."""
        self.statuses: Counter[int] = Counter()

    def get(self, path: str) -> requests.Response:
        """Ask for a page."""
        return self.session.get(self.address + path, timeout=SECONDS)

    def ask(self, case: Case) -> int:
        """Send a request, and hold its answer against the document; return its status."""
        response = case.call(self.address, self.session, timeout=SECONDS)
        self.statuses[response.status_code] += 1
        # Of what a server does wrong, only this is in the document: it asks to be asked again.
        assert response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR or (
            response.status_code == HTTPStatus.SERVICE_UNAVAILABLE and "retry-after" in response.headers
        )
        case.validate_response(response, checks=CHECKS)
        if response.request.method == "POST":
            body = response.request.body or b""
            assert isinstance(body, bytes | str)
            self._note(body.encode() if isinstance(body, str) else body, response.status_code, response.json())
        return response.status_code

    def _note(self, body: bytes, status: int, verdict: Any) -> None:
        lines = body.split(b"\n")
        self.sent.update(lines)
        if status == HTTPStatus.ACCEPTED:
            wrong = {each["line"] for each in verdict["rejected"] if each["index"] < 0}
            self.taken.update(line for number, line in enumerate(lines) if line and number not in wrong)


@pytest.fixture(scope="module")
def broker(shared_installation: Installation) -> Settings:
    # Limits by rate have tests of their own: here, they would answer nearly everything.
    return shared_installation.settings.model_copy(
        update={"collector_address_rate": 0.0, "collector_user_rate": 0.0, "log_level": "ERROR"}
    )


@pytest.fixture(scope="module")
def fuzzed(broker: Settings) -> Iterator[Fuzzed]:
    """A collector that records and reads."""
    process = MemberProcess("collector", broker)
    begin = source.ends(broker)
    process.start().wait_ready()
    try:
        fuzzed = Fuzzed(f"http://{broker.collector_host}:{broker.collector_port}", begin)
        until(lambda: fuzzed.get("/v1/users/nobody/coverage").status_code == HTTPStatus.OK, SECONDS, "it reads")
        yield fuzzed
        assert process.stop() == 0
    finally:
        process.kill()


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_requests_as_the_document_has_them_are_answered_as_it_says(fuzzed: Fuzzed, path: str, method: str) -> None:
    drawn(fuzzed, path, method, GenerationMode.POSITIVE)
    assert all(status < HTTPStatus.INTERNAL_SERVER_ERROR for status in fuzzed.statuses)


@pytest.mark.parametrize(("path", "method"), WITH_INPUT)
def test_requests_that_break_the_document_are_answered_as_it_says(fuzzed: Fuzzed, path: str, method: str) -> None:
    drawn(fuzzed, path, method, GenerationMode.NEGATIVE)


def test_flushes_as_the_document_has_them_are_recorded(fuzzed: Fuzzed) -> None:
    drawn(fuzzed, PATH, "post", GenerationMode.POSITIVE, is_a_plain_flush, HTTPStatus.ACCEPTED)


def test_afterwards_it_is_ready_and_the_topic_has_what_it_said_and_nothing_else(
    fuzzed: Fuzzed, broker: Settings
) -> None:
    drawn(fuzzed, PATH, "post", GenerationMode.POSITIVE, is_a_plain_flush)
    assert fuzzed.get("/readyz").text == "ready\n"
    found = Counter(line for _, line in source.lines(broker, fuzzed.begin))
    assert fuzzed.taken
    assert found >= fuzzed.taken
    assert fuzzed.sent >= found


def is_a_plain_flush(case: Case) -> bool:
    """Return whether a body is a flush, and isn't called gzip."""
    return case.media_type == "application/json" and case.query.get("encoding") != "gzip"


def drawn(
    fuzzed: Fuzzed,
    path: str,
    method: str,
    mode: GenerationMode,
    which: Callable[[Case], bool] = lambda _: True,
    expected: int | None = None,
) -> None:
    """Draw requests to an operation, and send those that are wanted; all get the expected status, if there is one."""
    load_all_checks()

    @QUICKLY
    @given(fuzzed.schema[path][method].as_strategy(generation_mode=mode).filter(which))
    def check(case: Case) -> None:
        status = fuzzed.ask(case)
        assert expected in (None, status), (status, case.query, case.body)

    check()
