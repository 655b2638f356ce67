"""What a panel is called and how its values are shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.source.overrides import Override
from dashboards.source.scales import Scale
from dashboards.source.units import Unit


@dataclass(frozen=True, slots=True)
class Head:
    """A panel's title, description and size: width in columns (of 24) and height in rows."""

    title: str
    description: str
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Look:
    """How values are shown: unit, decimals (None: automatic), range, scale, colours of series by name.

    Series that `colours` doesn't name get those of `hues`; `empty` says why there may be no data, if it isn't what
    queries of that kind always mean by it.
    """

    unit: Unit
    decimals: int | None = None  # for numbers and columns only: over time they would apply to the axis too
    least: float | None = None
    most: float | None = None
    soft_most: float | None = None  # the axis reaches at least this far
    scale: Scale | None = None
    colours: dict[str, str] | None = None
    hues: Sequence[Override] = ()
    overrides: Sequence[Override] = ()
    empty: str | None = None
