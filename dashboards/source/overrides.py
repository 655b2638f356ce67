"""Overrides of single fields: their colours, units and thresholds."""

from typing import Any

from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.dashboard import FieldColorModeId

from dashboards.source.colours import HUES
from dashboards.source.scales import Line, Scale
from dashboards.source.units import Unit

Override = model.DashboardFieldConfigSourceOverrides
# Colours a cell's text by its threshold.
TEXT = {"type": "color-text"}
LIMIT_DASH = {"fill": "dash", "dash": [10, 10]}
SHORT_DASH = {"fill": "dash", "dash": [6, 4]}
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def fixed(colour: str) -> model.FieldColor:
    """Return a field's fixed colour."""
    return model.FieldColor(mode=FieldColorModeId.FIXED, fixed_color=colour)


def named(name: str, **properties: Any) -> Override:
    """Return an override for the field of that name; write `__` for a dot in a property's name."""
    return _override("byName", name, properties)


def matching(pattern: str, **properties: Any) -> Override:
    """Return an override for the fields whose name matches a regular expression, such as /0$/i."""
    return _override("byRegexp", pattern, properties)


def coloured(colours: dict[str, str]) -> list[Override]:
    """Return overrides that colour series by name."""
    return [named(name, color=fixed(colour)) for name, colour in colours.items()]


def by_name() -> list[Override]:
    """Return overrides that colour any series by the last character of its name."""
    return [matching(f"/[{_class(place)}]$/i", color=fixed(hue)) for place, hue in enumerate(HUES)]


def by_instance() -> list[Override]:
    """Return overrides that colour a process by its address: the host's last digit, and the port's tens if not 0.

    Containers have a host each and the same port; the processes of one machine, the same host and ports ten apart. A
    sink's line is dashed.
    """
    hosts = [matching(f"/[{_class(place)}]:\\d+$/i", color=fixed(hue)) for place, hue in enumerate(HUES)]
    ports = [matching(f"/:\\d*{tens}\\d$/", color=fixed(HUES[(tens + 1) % len(HUES)])) for tens in range(1, len(HUES))]
    return [*hosts, *ports, matching("/^sink /", custom__lineStyle=SHORT_DASH)]


def limits(lines: tuple[Line, ...]) -> list[Override]:
    """Return overrides for the series that stand for thresholds: thin, dashed and never filled."""
    style = {"custom__lineStyle": LIMIT_DASH, "custom__lineWidth": 1, "custom__showPoints": "never"}
    return [named(line.words, color=fixed(line.colour), **style) for line in lines]


def dashed(name: str) -> list[Override]:
    """Return the override of a series that may lie on another one: a solid line would hide it."""
    return [named(name, custom__lineStyle=SHORT_DASH)]


def mapped(**values: tuple[str, str]) -> list[model.ValueMap]:
    """Return mappings from a value to its text and colour."""
    results = {
        value: model.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(values.items())
    }
    return [model.ValueMap(options=results)]


def _plain(value: Any) -> Any:
    if isinstance(value, Unit):
        return value.code
    return value.thresholds if isinstance(value, Scale) else value


def _class(place: int) -> str:
    return str(place) + _ALPHABET[place :: len(HUES)]


def _override(matcher: str, options: str, properties: dict[str, Any]) -> Override:
    values = [model.DynamicConfigValue(key.replace("__", "."), _plain(value)) for key, value in properties.items()]
    return Override(matcher=model.MatcherConfig(matcher, options), properties=values)
