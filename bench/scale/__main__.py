"""`python -m bench.scale`."""

from bench.lib.command import run
from bench.scale.run import main

if __name__ == "__main__":
    run(main)
