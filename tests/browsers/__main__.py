"""`python -m tests.browsers`, which is what `make browsers` runs."""

from bench.lib.command import run
from tests.browsers.command import main

if __name__ == "__main__":
    run(main)
