"""`python -m demo`, which is what `make demo` runs."""

import argparse
import json
import signal
import sys
from pathlib import Path
from types import FrameType

from rich.console import Console

from demo import stack
from demo.report import console as make_console
from demo.report import render, write_svg
from demo.run import Options, line_printer, run
from streams.errors import UserError
from streams.runtime import log
from streams.settings import Settings

# The shell's convention: 128 and the number of the signal.
INTERRUPTED = 128 + signal.SIGINT


def main() -> int:
    """Run the demo. Return 0 if everything is right, 1 if not, 2 for an error that users can fix."""
    options = parse(sys.argv[1:])
    signal.signal(signal.SIGTERM, _interrupt)
    console = make_console()
    try:
        settings = Settings.load()
        # The stack's start already prints what it would log at INFO.
        log.configure("WARNING")
        with stack.only_demo(settings):
            return demonstrate(options, settings, console)
    except UserError as error:
        line_printer(console)(str(error))
        return 2
    except KeyboardInterrupt:
        line_printer(console)("interrupted")
        return INTERRUPTED


def demonstrate(options: Options, settings: Settings, console: Console) -> int:
    """Run the demo, print its summary and stop everything that it started, whatever happens."""
    out = line_printer(console)
    demo = stack.demo_settings(settings, out)
    changed = demo.kafka_bootstrap != settings.kafka_bootstrap
    out(
        f"{'The usual addresses are in use; the demo takes' if changed else 'The demo takes'} Kafka "
        f"{demo.kafka_bootstrap}, ClickHouse {demo.clickhouse_url}, metrics from port {demo.metrics_port}, "
        f"data in {demo.data_dir}."
    )
    try:
        summary = run(options, settings, demo, console)
        console.print()
        console.print(render(summary))
        if options.json:
            options.json.write_text(json.dumps(summary.as_json(), indent=1) + "\n")
        if options.svg:
            write_svg(summary, options.svg)
        return 1 if summary.problems else 0
    finally:
        if options.keep:
            out(stack.how_to_stop(demo))
        else:
            # A second Ctrl-C must not leave half of the processes behind.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            stack.stop(demo, lambda _line: None)


def parse(arguments: list[str]) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description="Play a real impression log with injected faults through the embedded stack, and check the result.",
    )
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (1)")
    parser.add_argument("--kill-worker", type=int, default=0, metavar="N", help="kill -9 the worker N times meanwhile")
    parser.add_argument("--keep", action="store_true", help="leave the stack and its data")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the summary as JSON")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the summary as a picture")
    return Options(**vars(parser.parse_args(arguments)))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
