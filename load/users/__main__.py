"""`python -m load.users`: read a plan (a line of JSON), play it, tell on stdout, write the ledger.

Stdin is the leash: `stop` ends what the users see, and the end of the input, which comes when whoever started this is
gone, ends everything.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import uvloop

from load.users.crowd import Crowd, CrowdError
from load.users.ledger import Ledger
from load.users.plan import Plan

GONE = 3


def main() -> int:
    """Return 0, or 2 after an error that was told."""
    # Ctrl-C reaches the whole process group; whoever started this ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    plan = Plan.from_json(sys.stdin.readline())
    try:
        ledger = uvloop.run(play(plan))
    except CrowdError as error:
        tell({"error": str(error)})
        return 2
    if plan.ledger:
        ledger.write(Path(plan.ledger))
    tell({"ledger": plan.ledger})
    return 0


async def play(plan: Plan) -> Ledger:
    """Play a plan, held by the leash."""
    crowd = Crowd(plan, tell)

    def heard() -> None:
        line = os.read(sys.stdin.fileno(), 100)
        if line.strip() == b"stop":
            crowd.stop()
        elif not line:
            os._exit(GONE)

    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), heard)
    return await crowd.run()


def tell(what: object) -> None:
    """Write a line to whoever started this."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
