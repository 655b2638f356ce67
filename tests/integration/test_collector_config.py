"""`GET /v1/users/{user}/config`: what a recorder is to do, for allowed pages, without brokers or ClickHouse."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import validate

from streams.collector.reads import openapi
from tests.support.collector import HeldLog, Running, counted, running_collector, text

SHOP = "https://shop.example"
PATH = "/v1/users/u42/config"
ISSUER = Path(__file__).resolve().parents[2] / "examples" / "tokens" / "issue.py"
DEFAULT = {
    "flush_ms": 5_000, "batch_size": 200, "tier": "free", "visible_ratio": 0.5, "visible_ms": 1_000, "experiments": {},
}  # fmt: skip


def issue(*arguments: str | Path) -> str:
    command = [sys.executable, ISSUER, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    issue("key", "k1", folder)
    return folder


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """A collector that has no reads, so no ClickHouse, and whose log knows no topic."""
    log = HeldLog()
    log.missing = "no broker has answered"
    with running_collector(log, collector_origins=SHOP) as running:
        yield running


def config(running: Running, query: str = "", **headers: str) -> Any:
    answer = running.ask("GET", PATH + query, headers=headers)
    assert answer.status == 200
    found = orjson.loads(text(answer))
    (content,) = openapi.config()["/v1/users/{user}/config"]["get"]["responses"]["200"]["content"].values()
    validate(found, {**content["schema"], "additionalProperties": False})
    return found


def test_it_answers_while_no_broker_does(running: Running) -> None:
    assert running.ask("GET", "/readyz").status == 503
    assert config(running) == DEFAULT


def test_pro_users_flush_sooner(running: Running) -> None:
    assert config(running, "?tier=pro") == {**DEFAULT, "tier": "pro", "flush_ms": 1_000}
    assert config(running, "?tier=free") == DEFAULT


def test_each_value_is_a_setting() -> None:
    set_: dict[str, Any] = {"recorder_free_flush_ms": 7_000, "recorder_pro_flush_ms": 700, "recorder_batch_size": 50}
    set_ |= {"recorder_visible_ratio": 0.3, "recorder_visible_ms": 2_000}
    with running_collector(**set_) as running:
        expected = {"flush_ms": 7_000, "batch_size": 50, "visible_ratio": 0.3, "visible_ms": 2_000}
        assert config(running) == {**DEFAULT, **expected}
        assert config(running, "?tier=pro")["flush_ms"] == 700


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (PATH + "?tier=gold", "tier is free or pro."),
        (PATH + "?tier=", "tier is free or pro."),
        (PATH + "?tier=free&tier=pro", "tier is given 2 times."),
        ("/v1/users/a%20b/config", "The user is not an id"),
    ],
)
def test_a_wrong_parameter_is_named(running: Running, path: str, says: str) -> None:
    answer = running.ask("GET", path)
    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert orjson.loads(text(answer))["detail"].startswith(says)


def test_it_is_the_users_own_for_minutes_and_then_validated(running: Running) -> None:
    first = running.ask("GET", PATH)
    assert first.headers.get_all("Cache-Control") == ["private, max-age=300"]
    same = running.ask("GET", PATH, headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status, text(same), same.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert same.headers.get_all("Cache-Control") == ["private, max-age=300"]
    assert running.ask("GET", PATH + "?tier=pro", headers={"If-None-Match": first.headers["ETag"]}).status == 200


def test_a_page_may_ask_with_its_token(running: Running) -> None:
    asks = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    preflight = running.ask("OPTIONS", PATH, headers={"Origin": SHOP, **asks})
    assert preflight.status == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == SHOP
    assert "GET" in preflight.headers["Access-Control-Allow-Methods"].split(", ")
    assert "authorization" in preflight.headers["Access-Control-Allow-Headers"].split(", ")
    answer = running.ask("GET", PATH, headers={"Origin": SHOP})
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert "Origin" in answer.headers["Vary"]
    assert running.ask("OPTIONS", PATH, headers={"Origin": "https://evil.example", **asks}).status == 403
    assert running.ask("GET", PATH, headers={"Origin": "https://evil.example"}).headers[
        "Access-Control-Allow-Origin"
    ] is None  # fmt: skip


def test_a_token_asks_for_its_own_user_and_never_by_the_url(keys: Path) -> None:
    token = issue("token", keys / "k1.private.json", "u42", "--minutes", "5")
    with running_collector(token_key_file=keys / "public.json", collector_origins=SHOP) as running:
        bearer = {"Authorization": f"Bearer {token}", "Origin": SHOP}
        assert config(running, **bearer) == DEFAULT
        for query in ("", f"?token={token}", f"?access_token={token}"):
            refused = running.ask("GET", PATH + query, headers={"Origin": SHOP})
            assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
            assert refused.headers["Access-Control-Allow-Origin"] == SHOP, "the page can read why"
        assert running.ask("GET", "/v1/users/u43/config", headers=bearer).status == 403


def test_it_is_counted_as_a_read_and_limited_like_one() -> None:
    before = counted("reads", call="config", status="200")
    with running_collector(collector_address_rate=0.001, collector_address_burst=2) as running:
        assert [running.ask("GET", PATH).status for _ in range(3)] == [200, 200, 429]
    assert counted("reads", call="config", status="200") == before + 2
