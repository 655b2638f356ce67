"""The curves of what an impression costs as things grow."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import linear_regression

from bench.lib.figures import axes, save

Curve = Sequence[tuple[float, float]]
COST = "CPU µs an impression"
# The title and axes of each sweep's picture, and whether the sweep grows by factors.
LABELS: dict[str, tuple[str, str, str, bool]] = {
    "users": ("Cost as users grow", "users with state", COST, True),
    "artworks": ("Cost as artworks grow", "artworks in the catalogue", COST, True),
    "window_seconds": ("Cost as the dedupe window grows", "window (s)", COST, True),
    "size": ("Cost as records grow", "impressions a record", "CPU µs a record", False),
    "partitions": ("Cost as partitions grow", "partitions of the source", COST, True),
    "workers": ("Workers on one machine", "workers", "impressions/s", False),
}


def pictures(curves: Mapping[str, Curve]) -> Iterator[Path]:
    """Draw each sweep of more than one point; yield the files."""
    for name, curve in curves.items():
        if len(curve) < 2:
            continue
        title, x, y, by_factors = LABELS[name]
        drawn = axes(title, x, y)
        sizes = [size for size, _ in curve]
        drawn.plot(sizes, [cost for _, cost in curve], "o-", label="measured")
        if by_factors:
            drawn.set_xscale("log")
            drawn.minorticks_off()
        drawn.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
        if name == "size":
            fixed, each = line(curve)
            drawn.plot(sizes, [fixed + each * size for size in sizes], "--", label=f"{fixed:.1f} + {each:.1f} x")
        drawn.set_ylim(0, 1.1 * max(cost for _, cost in curve))
        drawn.legend()
        yield save(drawn, f"scale-{name.removesuffix('_seconds')}")


def line(curve: Curve) -> tuple[float, float]:
    """Fit a straight line to a curve by least squares; return its value at 0 and its slope."""
    slope, intercept = linear_regression([size for size, _ in curve], [cost for _, cost in curve])
    return intercept, slope
