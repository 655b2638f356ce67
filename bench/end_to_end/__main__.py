"""`python -m bench.end_to_end`."""

from bench.end_to_end.run import main
from bench.lib.command import run

if __name__ == "__main__":
    run(main)
