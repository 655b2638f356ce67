"""HttpImpressionProducer's tokens, its TLS, and the proxies that it doesn't use."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from impression_streams import Delivery, HttpImpressionProducer, UndeliveredError
from tests.support import misbehaving_collector as does
from tests.support.misbehaving_collector import Double, running_double
from tests.support.sdk import dead_address
from tests.support.sdk_http import certificate_in, flush_of, shorten_pauses
from tests.support.wait import until

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_pauses(monkeypatch)


@pytest.fixture
def double() -> Iterator[Double]:
    with running_double() as running:
        yield running


def test_a_token_that_is_refused_is_asked_for_again(double: Double) -> None:
    double.tokens = {"new": "u1"}
    given = iter(["old", "new", "unused"])
    with HttpImpressionProducer(double.url, token=lambda: next(given)) as producer:
        producer.send_flush(flush_of(1))
        assert producer.wait(30)
        producer.send_flush(flush_of(2))
    assert [request.headers["authorization"] for request in double.requests] == [
        "Bearer old",
        "Bearer new",
        "Bearer new",
    ]
    assert double.requests[0].text == double.requests[1].text
    assert double.ids() == ["i1", "i2"]


def test_a_function_that_raises_is_asked_again(double: Double) -> None:
    double.tokens = {"good": "u1"}
    calls: list[int] = []

    def ask() -> str:
        calls.append(len(calls))
        if len(calls) < 3:
            raise ConnectionError("the issuer is away")
        return "good"

    with HttpImpressionProducer(double.url, token=ask) as producer:
        producer.send_flush(flush_of(1))
        assert producer.wait(30)
        assert producer.stats.retries == 2
    assert double.ids() == ["i1"]


def test_each_users_flushes_go_under_the_users_own_token(double: Double) -> None:
    double.tokens = {f"token-{number}": f"u{number}" for number in range(150)}
    asked: list[str] = []

    def token_of(user: str) -> str:
        asked.append(user)
        return f"token-{user.removeprefix('u')}"

    with HttpImpressionProducer(double.url, user_token=token_of, linger_ms=50) as producer:
        for number in range(300):
            producer.send_flush(flush_of(number, f"u{number % 150}"))
    assert sorted(double.ids()) == sorted(f"i{number}" for number in range(300))
    assert sorted(asked) == sorted(f"u{number}" for number in range(150))
    assert max(request.text.count(b'{"token":') for request in double.requests) <= 100
    assert all("authorization" not in request.headers for request in double.requests)


def test_a_user_whose_token_has_ended_gets_a_new_one_and_nobody_else_waits(double: Double) -> None:
    double.tokens = {"t1": "u1", "new": "u2"}
    answers = {"u1": iter(["t1"]), "u2": iter(["old", "new"])}
    deliveries: list[Delivery] = []
    with HttpImpressionProducer(
        double.url, user_token=lambda user: next(answers[user]), linger_ms=500, on_delivery=deliveries.append
    ) as producer:
        producer.send_flush(flush_of(1, "u1"))
        producer.send_flush(flush_of(2, "u2"))
    assert double.ids() == ["i1", "i2"]
    assert [(delivery.flush_id, delivery.error) for delivery in deliveries] == [("f1", None), ("f2", None)]
    assert len(double.requests) == 2


def test_a_user_without_a_token_comes_back_and_the_others_are_delivered(double: Double) -> None:
    double.tokens = {"t": "u1"}

    def token_of(user: str) -> str:
        if user == "u2":
            raise LookupError(user)
        return "t"

    producer = HttpImpressionProducer(double.url, user_token=token_of, delivery_timeout=3)
    producer.send_flush(flush_of(1, "u1"))
    producer.send_flush(flush_of(2, "u2"))
    until(lambda: producer.stats.failed == 1, 30, "given up")
    with pytest.raises(UndeliveredError, match="the function that gives tokens raised LookupError") as caught:
        producer.close()
    assert [flush.user_id for flush in caught.value.flushes] == ["u2"]
    assert double.ids() == ["i1"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate_in(tmp_path_factory.mktemp("certificate"))


def test_a_certificate_that_nobody_knows_is_refused_and_nothing_sent(certificate: Path) -> None:
    with running_double(certificate) as double:
        producer = HttpImpressionProducer(double.url, token="secret")
        producer.send_flush(flush_of(1))
        until(lambda: producer.stats.retries, 30, "a failure")
        with pytest.raises(UndeliveredError, match="CERTIFICATE_VERIFY_FAILED"):
            producer.close(0)
        assert double.requests == []


def test_a_certificate_of_another_name_is_refused(certificate: Path) -> None:
    with running_double(certificate) as double:
        url = double.url.replace("127.0.0.1", "localhost")
        tls = ssl.create_default_context(cafile=str(certificate))
        producer = HttpImpressionProducer(url, tls=tls)
        producer.send_flush(flush_of(1))
        until(lambda: producer.stats.retries, 30, "a failure")
        with pytest.raises(UndeliveredError, match=r"CERTIFICATE_VERIFY_FAILED.*localhost"):
            producer.close(0)
        assert double.requests == []


def test_an_authority_of_ones_own_is_taken_and_large_bodies_and_faults_work_the_same(certificate: Path) -> None:
    with running_double(certificate) as double:
        double.faults.extend([does.status(503), does.half, does.closes, does.says_goodbye])
        tls = ssl.create_default_context(cafile=str(certificate))
        with HttpImpressionProducer(double.url, tls=tls) as producer:
            ids = [producer.record(f"u{number % 50}", f"a{number}") for number in range(10_000)]
        assert set(double.ids()) == set(ids)
        assert producer.stats.acknowledged == 10_000


def test_tls_settings_for_an_address_without_tls_are_refused() -> None:
    with pytest.raises(ValueError, match="https:// is expected"):
        HttpImpressionProducer("http://127.0.0.1:8080", tls=ssl.create_default_context())


def test_a_proxy_in_the_environment_is_not_used(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    with dead_address() as address:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://{address}")
        with HttpImpressionProducer(double.url) as producer:
            producer.send_flush(flush_of(1))
            assert producer.wait(30)
    assert double.ids() == ["i1"]
