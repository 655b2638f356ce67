"""`python -m bench.size`."""

from bench.lib.command import run
from bench.size.run import main

if __name__ == "__main__":
    run(main)
