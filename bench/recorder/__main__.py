"""`python -m bench.recorder`."""

from bench.lib.command import run
from bench.recorder.run import main

if __name__ == "__main__":
    run(main)
