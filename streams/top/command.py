"""The options and texts of `impressions top`."""

from typing import Annotated

import typer

from streams.settings import Settings

# Workers and sinks that were started by hand are found up to this index.
INDEXES = 10


def top(
    addresses: Annotated[
        list[str] | None,
        typer.Argument(help="Metrics endpoints, such as worker-0:9101; by default those on this machine."),
    ] = None,
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.5, max=3600)] = 2.0,
    count: Annotated[int | None, typer.Option(help="Stop after this many looks.", min=1)] = None,
) -> None:
    """Watch the stream: rates, duplicates, lag, latency, coverage and problems. q or Ctrl-C quits.

    It reads the metrics of workers and sinks, and says which of them it can't reach. In a pipe it prints lines.

    Example: impressions top      impressions top worker-0:9101 sink-0:9102 --every 5
    """
    from rich.console import Console

    from streams.top.run import top as run
    from streams.top.target import named
    from streams.top.targets import on_this_machine

    targets = [named(address) for address in addresses or ()] or on_this_machine(Settings.load(), INDEXES)
    run(targets, every, count, Console(stderr=False))
