"""The options of the demo, and what it leaves: nothing that runs, unless it was asked to."""

import argparse
import errno
import json
from collections.abc import Sequence
from pathlib import Path

from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import KafkaException
from rich.console import Console
from urllib3.exceptions import HTTPError

from demo import stack
from demo.report import render, write_svg
from demo.run import Options, run
from demo.screen import console as make_console
from demo.screen import line_printer
from streams.embedded.run_folder import RunFolder
from streams.errors import KnownError
from streams.runtime import log
from streams.runtime.interrupts import Interrupts
from streams.settings import Settings

TITLE = "A real impression log is sent with faults; every resulting row must be exact."
# What is the matter with a folder that can't be used, or a disk.
OF_THE_FOLDER = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)


def command(arguments: Sequence[str], interrupts: Interrupts) -> int:
    """Run the demo. Return 0 if everything is right, 1 if not, 2 for an error that users can fix.

    Raises Interrupted, or an OSError if the terminal is gone by then, after everything was stopped.
    """
    options, console = parse(arguments), make_console()
    out = line_printer(console)
    try:
        settings = Settings.load()
        # The stack's start already prints what it would log at INFO.
        log.configure("WARNING")
        with stack.only_demo(settings):
            return demonstrate(options, settings, console, interrupts)
    except KnownError as error:
        out(str(error))
    except OSError as error:
        if interrupts.received is not None or error.errno not in OF_THE_FOLDER:
            raise
        out(stack.unusable(Path(error.filename or settings.data_dir), error))
    return 2


def demonstrate(options: Options, settings: Settings, console: Console, interrupts: Interrupts) -> int:
    """Run the demo, print its summary and stop all that it started, whatever happens and whenever a signal comes."""
    out = line_printer(console)
    demo = stack.demo_settings(settings, out)
    try:
        try:
            return show(options, settings, demo, console)
        except (KafkaException, ClickHouseError, HTTPError) as error:
            out(f"The demo can't go on: {error}. The logs are in {stack.shown(demo.data_dir / 'log')}.")
            return 1
        finally:
            # A signal that comes from here on changes nothing but the exit code.
            interrupts.end()
    finally:
        if options.keep and interrupts.received is None:
            out(stack.how_to_stop(demo))
        else:
            finish(demo, console, interrupts)


def show(options: Options, settings: Settings, demo: Settings, console: Console) -> int:
    """Run the demo and show its summary, in all forms that were asked for; return the exit code."""
    out = line_printer(console)
    for line in (TITLE, *stack.introduction(settings, demo), ""):
        out(line)
    summary = run(options, settings, demo, console)
    out("")
    console.print(render(summary))
    if options.json:
        options.json.write_text(json.dumps(summary.as_json(), indent=1) + "\n")
    if options.svg:
        write_svg(summary, options.svg)
    if not options.keep:
        out("make demo DEMO=--keep leaves it running, to look at.")
    return 1 if summary.problems else 0


def left_running() -> list[str]:
    """Return the names of the processes that are recorded in the demo's folder."""
    return RunFolder(stack.folder(Settings.load())).recorded()


def finish(demo: Settings, console: Console, interrupts: Interrupts) -> None:
    """Stop everything, also if nothing can be printed any more."""
    try:
        # The bar hid it, and may have had no time to show it again.
        console.show_cursor()
        if interrupts.received is not None:
            line_printer(console)(f"{interrupts.received.name}: stopping what the demo started")
    finally:
        stack.stop(demo, lambda _line: None)


def parse(arguments: Sequence[str]) -> Options:
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
    options = Options(**vars(parser.parse_args(arguments)))
    for file in (options.json, options.svg):
        # Not only at the end, when everything was played for nothing.
        if file is not None and not file.absolute().parent.is_dir():
            parser.error(f"{file} can't be written: there is no folder {file.parent}")
    return options
