"""What the servers use, by flush: over all batches and rounds, since in a gallery no batch is ever reached."""

from collections.abc import Mapping, Sequence
from statistics import median

# CPU seconds of 100,000 impressions are ms of 100.
Cpu = Mapping[str, Mapping[str, Sequence[float]]]


def of_flush(cpu: Cpu, seconds: float) -> dict[str, tuple[float, float, float]]:
    """Return least, median and most of each program's CPU time (ms) of 100 impressions, and of their requests."""
    cells = [each for name, each in cpu.items() if name.endswith(f" x {seconds:g} s")]
    return {name: _three([value for cell in cells for value in cell[name]]) for name in cells[0]}


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    return min(values), median(values), max(values)
