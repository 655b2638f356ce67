"""What the tests of producers over HTTP share: a flush, and everything that a collector may do wrong."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from impression_streams.http import sender
from tests.support import misbehaving_collector as does
from tests.support.misbehaving_collector import Fault

PAGE = b"<html>Sign in to the network</html>"


def shorten_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what failed be sent again soon: how long that takes is tests/unit/sdk/test_http_sender.py's."""
    monkeypatch.setattr(sender, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(sender, "LONGEST_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr(sender, "TOKEN_SECONDS", 0.01)


def flush_of(number: int, user: str = "u1", **more: Any) -> dict[str, Any]:
    """Return a flush of one impression; `more` are the impression's further fields."""
    impression = {"impression_id": f"i{number}", "artwork_id": "a1", "seen_at": 1_764_489_600_000, **more}
    return {
        "v": 1,
        "flush_id": f"f{number}",
        "user_id": user,
        "sent_at": 1_764_489_600_000,
        "impressions": [impression],
    }


FAULTS: dict[str, Fault] = {
    **{str(code): does.status(code) for code in (404, 408, 429, 500, 502, 503, 504)},
    "301": does.status(301, {"Location": "http://127.0.0.1:1/"}),
    "503 with Retry-After": does.status(503, {"Retry-After": "0"}),
    "a page of somebody else's": does.status(200, body=PAGE),
    "503 before the body was read": does.early(503),
    "stored, and forgot to answer": does.forgets,
    "stored, and half an answer": does.half,
    "reset": does.resets,
}
BODY_UNREAD = {"503 before the body was read", "reset"}


def certificate_in(folder: Path) -> Path:
    """Make a certificate of 127.0.0.1, which is its own authority; return the file that has it and its key."""
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    key, certificate, both = (folder / name for name in ("key.pem", "certificate.pem", "both.pem"))
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    both.write_text(key.read_text() + certificate.read_text())
    return both
