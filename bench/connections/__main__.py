"""`python -m bench.connections`."""

from bench.connections.run import main
from bench.lib.command import run

if __name__ == "__main__":
    run(main)
