"""`python -m bench.sink`."""

from bench.lib.command import run
from bench.sink.run import main

if __name__ == "__main__":
    run(main)
