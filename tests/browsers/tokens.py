"""Tokens for scenarios, from the project's own example of an issuer."""

import subprocess
import sys
from pathlib import Path

from tests.browsers.subjects import ROOT
from tests.browsers.visit import Visit

ISSUER = ROOT / "examples" / "tokens" / "issue.py"
ISSUE_SECONDS = 60.0


class Issuer:
    """Issues tokens that this scenario's collector takes, which takes nothing without one from then on."""

    def __init__(self, visit: Visit) -> None:
        self._folder = visit.lane.folder / f"keys-{visit.run}"
        self._run("key", "k1", self._folder)
        visit.collector.replace(token_key_file=self._folder / "public.json")

    def token(self, user: str, minutes: float = 60) -> str:
        """Return a token of a user; it has expired if the minutes are negative."""
        return self._run("token", self._folder / "k1.private.json", user, "--minutes", str(minutes))

    def _run(self, *arguments: str | Path) -> str:
        argv = [sys.executable, str(ISSUER), *map(str, arguments)]
        done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=ISSUE_SECONDS)
        return done.stdout.strip()
