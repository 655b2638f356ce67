"""`python -m load`, which is what `make load` runs."""

from bench.lib.command import run
from load.command import main

if __name__ == "__main__":
    run(main)
