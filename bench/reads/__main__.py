"""`python -m bench.reads`."""

from bench.lib.command import run
from bench.reads.run import main

if __name__ == "__main__":
    run(main)
