"""The users' process, from outside: started with a plan, followed to its end."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from load.users.ledger import Ledger
from load.users.plan import Plan
from streams.errors import UserError
from streams.runtime import interrupts

ROOT = Path(__file__).resolve().parents[1]
END_SECONDS = 30.0

Update = Callable[[int, int], None]


class Generator:
    """Plays a plan in a process of its own, which ends with this one. Use it as a context."""

    def __init__(self, plan: Plan, log: Path) -> None:
        self._plan, self._log = plan, log
        log.parent.mkdir(parents=True, exist_ok=True)
        with interrupts.held(), log.open("ab") as complaints:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "load.users"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        self._say(plan.to_json())

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait(END_SECONDS)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def stop(self) -> None:
        """Let the users see nothing more; what they have seen is still sent."""
        self._say("stop")

    def follow(self, update: Update) -> Ledger:
        """Call `update` with the impressions that are acknowledged, and are to be; return the ledger at the end.

        Raises UserError for an error of the users, or if their process ends by itself.
        """
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told: dict[str, Any] = json.loads(line)
            if "error" in told:
                raise UserError(told["error"])
            if "ledger" in told:
                return Ledger.read(Path(self._plan.ledger))
            update(int(told["acknowledged"]), self._plan.impressions)
        raise UserError(f"The users' process ended by itself; its log is {self._log}.")

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
