"""What clients rely on (contract §6), of the collector and of the double that stands for it in the SDK's tests."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from impression_streams.ids import now_ms
from tests.support.collector import HeldLog, running_collector
from tests.support.misbehaving_collector import running_double

ISSUE = Path(__file__).resolve().parents[2] / "examples" / "tokens" / "issue.py"
SECONDS = 60.0


@dataclass
class Door:
    """A collector: its port, what it has stored, and a valid token of each user if it wants tokens."""

    port: int
    stored: Callable[[], list[bytes]]
    tokens: dict[str, str]

    def post(
        self, body: bytes, content_type: str = "application/json", path: str = "/v1/impressions", **headers: str
    ) -> tuple[int, Any]:
        """Send a body; return the status, and the answer's JSON."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request("POST", path, body, {"Content-Type": content_type, **named})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    subprocess.run([sys.executable, str(ISSUE), "key", "k1", str(folder)], check=True, timeout=60)
    return folder


def token(keys: Path, user: str, *more: str) -> str:
    command = [sys.executable, str(ISSUE), "token", str(keys / "k1.private.json"), user, *more]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


@pytest.fixture(params=["double", "collector"])
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    if request.param == "double":
        with running_double() as double:
            yield Door(int(double.url.rpartition(":")[2]), lambda: double.lines, {})
    else:
        log = HeldLog()
        with running_collector(log) as collector:
            yield Door(collector.address[1], lambda: [line for _, line in log.taken], {})


@pytest.fixture(params=["double", "collector"])
def guarded(request: pytest.FixtureRequest, keys: Path) -> Iterator[Door]:
    """A collector that wants tokens."""
    if request.param == "double":
        with running_double(tokens={"t1": "u1", "t2": "u2"}) as double:
            yield Door(int(double.url.rpartition(":")[2]), lambda: double.lines, {"u1": "t1", "u2": "t2"})
    else:
        log = HeldLog()
        with running_collector(log, token_key_file=keys / "public.json") as collector:
            tokens = {"u1": token(keys, "u1"), "u2": token(keys, "u2", "--jws")}
            yield Door(collector.address[1], lambda: [line for _, line in log.taken], tokens)


def flush(user: str = "u1", number: int = 1, *seen: int) -> bytes:
    impressions = [
        {"impression_id": f"i{number}.{i}", "artwork_id": f"a{i}", "seen_at": at}
        for i, at in enumerate(seen or (now_ms(),))
    ]
    return json.dumps(
        {"v": 1, "flush_id": f"f{number}", "user_id": user, "sent_at": now_ms(), "impressions": impressions}
    ).encode()


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/plain; charset=utf-8"])
def test_what_is_stored_is_stored_byte_for_byte_and_counted(door: Door, content_type: str) -> None:
    lines = [flush("u1", 1), flush("u2", 2, now_ms(), now_ms() - 5)]
    assert door.post(b"\n".join(lines), content_type) == (202, {"accepted": 3, "rejected": []})
    assert door.stored() == lines


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_the_last_line_may_end(door: Door, ending: bytes) -> None:
    line = flush()
    assert door.post(line + ending) == (202, {"accepted": 1, "rejected": []})
    assert door.stored() == [line]


def test_gzip_is_taken_by_header_and_by_query(door: Door) -> None:
    line = flush()
    assert door.post(gzip.compress(line), Content_Encoding="gzip")[0] == 202
    assert door.post(gzip.compress(line), path="/v1/impressions?encoding=gzip")[0] == 202
    assert door.stored() == [line, line]


def test_what_will_be_rejected_is_stored_and_named_by_line_and_index(door: Door) -> None:
    late = flush("u1", 1, now_ms(), now_ms() + 3_600_000)
    invalid = flush("u2", 2).replace(b'"artwork_id": "a0"', b'"artwork_id": "\xc3\xa4"')
    status, answer = door.post(b"\n".join([flush("u3", 3), late, b"not json", invalid]))
    assert (status, answer["accepted"]) == (202, 2)
    assert sorted((each["line"], each["index"], each["reason"]) for each in answer["rejected"]) == [
        (1, 1, "future"),
        (2, -1, "malformed"),
        (3, 0, "invalid"),
    ]
    assert door.stored() == [door.stored()[0], late, invalid]


@pytest.mark.parametrize("body", [b"not json", b"[]", b'{"v":1}', b"\n\n"])
def test_nothing_that_can_be_read_is_400(door: Door, body: bytes) -> None:
    status, answer = door.post(body)
    assert status == 400
    assert isinstance(answer["detail"], str)
    assert door.stored() == []


def test_what_is_no_gzip_is_400(door: Door) -> None:
    assert door.post(b"plain", Content_Encoding="gzip")[0] == 400


def test_another_type_is_415(door: Door) -> None:
    assert door.post(flush(), "application/xml")[0] == 415


def test_too_many_bytes_and_too_many_flushes_are_413(door: Door) -> None:
    assert door.post(b" " * (1024 * 1024 + 1))[0] == 413
    assert door.post(gzip.compress(b" " * (5 * 1024 * 1024)), Content_Encoding="gzip")[0] == 413
    assert door.post(b"\n".join(flush("u1", number) for number in range(700)))[0] == 413
    assert door.stored() == []


def test_a_request_may_have_500_flushes(door: Door) -> None:
    lines = [flush(f"u{number}", number) for number in range(500)]
    assert door.post(b"\n".join(lines)) == (202, {"accepted": 500, "rejected": []})


def test_another_path_is_404(door: Door) -> None:
    assert door.post(flush(), path="/v1/nothing")[0] == 404


def test_a_users_token_authorises_that_users_flushes(guarded: Door) -> None:
    line = flush("u1")
    assert guarded.post(line, Authorization=f"Bearer {guarded.tokens['u1']}")[0] == 202
    assert guarded.stored() == [line]
    for headers in ({}, {"Authorization": f"Bearer {guarded.tokens['u2']}"}, {"Authorization": "Bearer x"}):
        status, answer = guarded.post(line, **headers)
        assert status == 403
        assert isinstance(answer["detail"], str)
    assert guarded.stored() == [line]


def test_a_token_line_authorises_the_lines_after_it_and_counts_as_a_line(guarded: Door) -> None:
    one, two, foreign = flush("u1", 1), flush("u2", 2), flush("u3", 3)
    lines = [
        json.dumps({"token": guarded.tokens["u1"]}).encode(),
        one,
        json.dumps({"token": guarded.tokens["u2"]}).encode(),
        foreign,
        two,
    ]
    status, answer = guarded.post(b"\n".join(lines))
    assert (status, answer["accepted"]) == (202, 2)
    assert answer["rejected"] == [{"line": 3, "index": -1, "reason": "unauthorised"}]
    assert guarded.stored() == [one, two]
