"""The proxy's example is one that Caddy itself accepts, and it keeps what is ours to ourselves."""

import json
import subprocess
from typing import Any

from tests.support.compose_file import ROOT
from tests.support.debian import program

FILE = ROOT / "deploy" / "Caddyfile"


def adapted() -> dict[str, Any]:
    """Return the file as Caddy understands it."""
    done = subprocess.run(
        [program("caddy", "caddy"), "adapt", "--config", str(FILE)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


def test_caddy_accepts_it() -> None:
    servers = adapted()["apps"]["http"]["servers"]
    (server,) = servers.values()
    assert server["max_header_bytes"] == 32_000


def test_metrics_and_readiness_are_not_passed_on() -> None:
    text = json.dumps(adapted())
    assert '"/v1/*"' in text
    assert '"/metrics"' not in text
    assert '"status_code": 404' in text
