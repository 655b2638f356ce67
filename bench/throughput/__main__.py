"""`python -m bench.throughput`."""

from bench.lib.command import run
from bench.throughput.run import main

if __name__ == "__main__":
    run(main)
