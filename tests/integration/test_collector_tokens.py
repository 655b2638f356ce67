"""Who may record and read where tokens are required, from the key file that the project's own script makes."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from streams.collector.rules.tokens import Tokens
from tests.support.collector import HeldLog, Running, counted, flush, running_collector, text

ROOT = Path(__file__).resolve().parents[2]
ISSUER = ROOT / "examples" / "tokens" / "issue.py"
SHOP = "https://shop.example"


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of secrets that deploy/secrets.sh makes."""
    checkout = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "deploy", checkout / "deploy")
    shutil.copy(ROOT / ".env.example", checkout)
    folder = checkout / "secrets"
    subprocess.run([checkout / "deploy" / "secrets.sh", folder], check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def running(secrets: Path) -> Iterator[Running]:
    with running_collector(token_key_file=secrets / "token_keys.json", collector_origins=SHOP) as running:
        yield running


def issue(secrets: Path, user: str, *more: str) -> str:
    """Return a token of the example issuer, by the script's own key."""
    command = [sys.executable, str(ISSUER), "token", str(secrets / "token_signing.json"), user, *more]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def line(token: str) -> bytes:
    return orjson.dumps({"token": token})


def test_the_private_key_is_its_owners_alone(secrets: Path) -> None:
    assert (secrets / "token_signing.json").stat().st_mode & 0o777 == 0o600
    assert b'"d"' not in (secrets / "token_keys.json").read_bytes()
    assert Tokens.load(secrets / "token_keys.json")


@pytest.mark.parametrize("form", [(), ("--jws",)], ids=["paseto", "jws"])
def test_a_token_lets_its_user_record_by_header_and_by_line(
    running: Running, secrets: Path, form: tuple[str, ...]
) -> None:
    token = issue(secrets, "u1", *form)
    log = running.log
    assert isinstance(log, HeldLog)
    log.taken.clear()
    ours = flush("u1")
    assert running.post(ours, {"Authorization": f"Bearer {token}"}).status == 202
    assert running.post(line(token) + b"\n" + ours).status == 202
    assert [each for _, each in log.taken] == [ours, ours]


def test_without_a_token_or_with_anothers_nothing_is_recorded(running: Running, secrets: Path) -> None:
    log = running.log
    assert isinstance(log, HeldLog)
    log.taken.clear()
    refused, missing = counted("refused_requests", reason="forbidden"), counted("token_failures", reason="missing")
    assert running.post(flush("u1")).status == 403
    assert counted("token_failures", reason="missing") == missing + 1
    assert running.post(flush("u1"), {"Authorization": f"Bearer {issue(secrets, 'u2')}"}).status == 403
    assert running.post(flush("u1"), {"Authorization": "Bearer rubbish"}).status == 403
    assert counted("refused_requests", reason="forbidden") == refused + 3
    assert log.taken == []


def test_what_a_token_does_not_cover_is_named_and_the_rest_is_recorded(running: Running, secrets: Path) -> None:
    log = running.log
    assert isinstance(log, HeldLog)
    log.taken.clear()
    ours = flush("u1")
    answer = running.post(b"\n".join([line(issue(secrets, "u1")), ours, flush("u2")]))
    assert answer.status == 202
    assert orjson.loads(text(answer)) == {
        "accepted": 1,
        "rejected": [{"line": 2, "index": -1, "reason": "unauthorised"}],
    }
    assert [each for _, each in log.taken] == [ours], "the token itself is not passed on"


def test_a_token_of_a_pages_origin_is_for_that_page(running: Running, secrets: Path) -> None:
    token = issue(secrets, "u1", "--origin", SHOP)
    bearer = {"Authorization": f"Bearer {token}"}
    assert running.post(flush("u1"), {**bearer, "Origin": SHOP}).status == 202
    assert running.post(flush("u1"), bearer).status == 403
