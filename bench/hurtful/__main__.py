"""`python -m bench.hurtful`."""

from bench.hurtful.run import main
from bench.lib.command import run

if __name__ == "__main__":
    run(main)
