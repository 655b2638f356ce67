"""`python -m bench.loris`."""

from bench.lib.command import run
from bench.loris.run import main

if __name__ == "__main__":
    run(main)
