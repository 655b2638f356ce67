"""The example issuers: what they make is taken by the collector."""

import runpy
import shutil
import subprocess
import sys
import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest

from streams.collector.rules.tokens import TokenError, Tokens

ROOT = Path(__file__).resolve().parents[3]
ISSUERS = ROOT / "examples" / "tokens"
NODE = shutil.which("node")


def python(*arguments: str | Path) -> str:
    """Run the Python issuer as a command, but in this process: seven of them would take longer than they test."""
    with patch.object(sys, "argv", ["issue.py", *map(str, arguments)]), redirect_stdout(StringIO()) as out:
        runpy.run_path(str(ISSUERS / "issue.py"), run_name="__main__")
    return out.getvalue().strip()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two keys."""
    folder = tmp_path_factory.mktemp("keys") / "new"
    python("key", "k1", folder)
    python("key", "k2", folder)
    return folder


def test_the_python_issuer(keys: Path) -> None:
    assert (keys / "k1.private.json").stat().st_mode & 0o777 == 0o600
    tokens = Tokens.load(keys / "public.json")
    for kid in ("k1", "k2"):
        for form in ([], ["--jws"]):
            text = python("token", keys / f"{kid}.private.json", "u42", "--minutes", "5", "--pool", "main", *form)
            claims = tokens.claims(text, time.time())
            assert (claims.sub, claims.pools, claims.origin) == ("u42", frozenset({"main"}), None)
            assert 200 < claims.exp - time.time() <= 300
    text = python("token", keys / "k1.private.json", "u42", "--origin", "https://shop.example")
    assert tokens.claims(text, time.time(), "https://shop.example").sub == "u42"
    with pytest.raises(TokenError, match="another origin"):
        tokens.claims(text, time.time(), "https://evil.example")


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed, so its example issuer is not tested here")
def test_the_node_issuer(keys: Path) -> None:
    tokens = Tokens.load(keys / "public.json")
    for kid in ("k1", "k2"):
        private = keys / f"{kid}.private.json"
        command = [str(NODE), str(ISSUERS / "issue.mjs"), str(private), "u42", "5", "https://shop.example"]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        claims = tokens.claims(text, time.time(), "https://shop.example")
        assert (claims.sub, claims.origin) == ("u42", frozenset({"https://shop.example"}))
        assert 200 < claims.exp - time.time() <= 300
