"""Run the worker with a defect: it forgets what was swept, and trusts the lateness that it has now.

Takes the command line's arguments.
"""

from collections.abc import Callable
from typing import Any

from streams.core import chunk
from streams.core.judge import Verdict
from streams.core.judge import judge as judge_impression

_judge: Callable[..., Verdict] = judge_impression


def judge(*known: Any) -> Verdict:
    """Judge as if nothing had been swept: that is the last argument."""
    return _judge(*known[:-1], 0)


if __name__ == "__main__":
    from streams.cli import main

    vars(chunk)["judge"] = judge
    main()
