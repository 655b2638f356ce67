"""The dashboards' common style: a few colours, each with one meaning, and thresholds from targets."""

from typing import Any

from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.dashboard import FieldColorModeId, Threshold, ThresholdsConfig, ThresholdsMode

# Grafana's own names: each has a tone for the dark and one for the light theme.
GOOD, MISSED, BAD, PLAIN = "green", "orange", "red", "blue"
QUIET = "#8e8e8e"
# An outcome has the same colour everywhere.
OUTCOMES = {
    "fresh": "green",
    "repeat": "blue",
    "accepted": "green",
    "duplicate": "orange",
    "duplicates": "orange",
    "rejected": "red",
    "forwarded": QUIET,
}
PERCENTILES = {"P50": "blue", "P95": "orange", "P99": "red"}

SHARE, COUNT, SECONDS, MS, BYTES, USD, PER_SECOND = "percentunit", "short", "s", "ms", "bytes", "currencyUSD", "cps"
ISO = "dateTimeAsIso"
# Colours a cell's text by its threshold.
TEXT = {"type": "color-text"}


def steps(first: str, *more: tuple[float, str]) -> ThresholdsConfig:
    """Return thresholds: the first colour, and another one from each value on."""
    thresholds = [Threshold(None, first), *(Threshold(value, colour) for value, colour in more)]
    return ThresholdsConfig(mode=ThresholdsMode.ABSOLUTE, steps=thresholds)


def zero_is_right(unwanted: str = BAD) -> ThresholdsConfig:
    """Return thresholds for what must not occur at all."""
    return steps(GOOD, (1e-9, unwanted))


def at_most(target: float, bad: float | None = None) -> ThresholdsConfig:
    """Return thresholds for what must stay below its target, and raises an alert from `bad` on."""
    return steps(GOOD, (target, MISSED), *([] if bad is None else [(bad, BAD)]))


def at_least(target: float, bad: float | None = None) -> ThresholdsConfig:
    """Return thresholds for what must reach its target, and raises an alert below `bad`."""
    return steps(MISSED, (target, GOOD)) if bad is None else steps(BAD, (bad, MISSED), (target, GOOD))


def fixed(colour: str) -> model.FieldColor:
    """Return a field's fixed colour."""
    return model.FieldColor(mode=FieldColorModeId.FIXED, fixed_color=colour)


def named(name: str, **properties: Any) -> model.DashboardFieldConfigSourceOverrides:
    """Return an override for the field of that name; write `__` for a dot in a property's name."""
    values = [model.DynamicConfigValue(key.replace("__", "."), value) for key, value in properties.items()]
    return model.DashboardFieldConfigSourceOverrides(matcher=model.MatcherConfig("byName", name), properties=values)


def coloured(colours: dict[str, str]) -> list[model.DashboardFieldConfigSourceOverrides]:
    """Return overrides that colour series by name."""
    return [named(name, color=fixed(colour)) for name, colour in colours.items()]


def mapped(**values: tuple[str, str]) -> list[model.ValueMap]:
    """Return mappings from a value to its text and colour."""
    results = {
        value: model.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(values.items())
    }
    return [model.ValueMap(options=results)]


# The share of a pool that is new to its users, and the share of users who have nothing left to see in it.
MOSTLY_NEW = at_least(0.9, bad=0.5)
FEW_EXHAUSTED = steps(GOOD, (0.01, BAD))
# A pool that is being used up: first new artworks are ordered, then it is exhausted.
COVERED = steps(GOOD, (0.85, MISSED), (0.95, BAD))
