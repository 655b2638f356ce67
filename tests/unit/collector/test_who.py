"""Who asks: a read's token names the only user whom it may read."""

import subprocess
import sys
from pathlib import Path

import pytest
from starlette.requests import Request

from streams.collector.http.who import claims
from streams.collector.reads.answers import ProblemError
from streams.collector.rules.tokens import Tokens

ISSUER = Path(__file__).resolve().parents[3] / "examples" / "tokens" / "issue.py"
SHOP = "https://shop.example"


def issue(*arguments: str | Path) -> str:
    command = [sys.executable, ISSUER, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    issue("key", "k1", folder)
    return folder


def request(**headers: str) -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


def test_without_keys_everyone_may_read_everything() -> None:
    assert claims(None)(request()) is None


def test_a_token_reads_its_own_user(keys: Path) -> None:
    who = claims(Tokens.load(keys / "public.json"))
    token = issue("token", keys / "k1.private.json", "u42", "--origin", SHOP)
    assert who(request(authorization=f"Bearer {token}", origin=SHOP)) == "u42"
    for headers, reason in (
        ({}, "missing"),
        ({"authorization": "Basic dTpw"}, "missing"),
        ({"authorization": "Bearer rubbish"}, "malformed"),
        ({"authorization": f"Bearer {token}", "origin": "https://evil.example"}, "origin"),
    ):
        with pytest.raises(ProblemError) as refused:
            who(request(**headers))
        assert (refused.value.status, refused.value.reason) == (401, reason)
        assert refused.value.headers["www-authenticate"] == "Bearer"
