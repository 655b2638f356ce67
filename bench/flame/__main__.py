"""`python -m bench.flame`."""

from bench.flame.run import main
from bench.lib.command import run

if __name__ == "__main__":
    run(main)
