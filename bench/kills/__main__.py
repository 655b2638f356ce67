"""`python -m bench.kills`."""

from bench.kills.run import main
from bench.lib.command import run

if __name__ == "__main__":
    run(main)
