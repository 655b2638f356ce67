"""`python -m bench.sdk`."""

from bench.lib.command import run
from bench.sdk.run import main

if __name__ == "__main__":
    run(main)
