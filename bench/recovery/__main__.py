"""`python -m bench.recovery`."""

from bench.lib.command import run
from bench.recovery.run import main

if __name__ == "__main__":
    run(main)
