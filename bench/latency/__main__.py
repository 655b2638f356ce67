"""`python -m bench.latency`."""

from bench.latency.run import main
from bench.lib.command import run

if __name__ == "__main__":
    run(main)
