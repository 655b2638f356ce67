"""`python -m bench.reading`."""

from bench.lib.command import run
from bench.reading.run import main

if __name__ == "__main__":
    run(main)
