"""`python -m bench.catalogue`."""

from bench.catalogue.run import main
from bench.lib.command import run

if __name__ == "__main__":
    run(main)
