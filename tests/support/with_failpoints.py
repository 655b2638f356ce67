"""Run a command of `impressions` with failpoints, which otherwise only workers, sinks and ClickHouse have.

`with_failpoints.py provision ...` looks for failpoints in the folder of a process called `provision`.
"""

import sys

from streams.cli import main
from streams.runtime import failpoints
from streams.settings import Settings

if __name__ == "__main__":
    failpoints.enable(Settings.load(), sys.argv[1])
    main()
