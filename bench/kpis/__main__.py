"""`python -m bench.kpis`."""

from bench.kpis.run import main
from bench.lib.command import run

if __name__ == "__main__":
    run(main)
