"""`python -m bench.state`."""

from bench.lib.command import run
from bench.state.run import main

if __name__ == "__main__":
    run(main)
