"""docker-compose.yml and its overrides as data, read without compose: for tests that need no other program."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "docker-compose.yml"
PRODUCTION = ROOT / "docker-compose.production.yml"

# $$ is a dollar; ${NAME}, ${NAME:-default} and ${NAME:?message if missing} are variables.
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::([-?])([^}]*))?\})")


class _Loader(yaml.SafeLoader):
    """Reads a value with one of compose's own tags, which say how to merge lists, as the plain value."""


def _plain(loader: _Loader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]


_Loader.add_multi_constructor("!", _plain)


def load(path: Path) -> dict[str, Any]:
    """Read a compose file; merge keys are resolved, variables are left as they are."""
    loaded: dict[str, Any] = yaml.load(path.read_text(), _Loader)
    return loaded


def variables(value: Any) -> set[tuple[str, str]]:
    """Every variable of a file as (name, kind): `-` has a default, `?` is required, `` is neither."""
    if isinstance(value, dict):
        return set().union(*map(variables, value.values()))
    if isinstance(value, list):
        return set().union(*map(variables, value))
    return {(found[1], found[2] or "") for found in _VARIABLE.finditer(str(value)) if found[1]}


def filled(text: str, **values: str) -> str:
    """Fill in variables as compose does. Raises KeyError for a variable with neither a value nor a default."""

    def value(found: re.Match[str]) -> str:
        name, kind, default = found.groups()
        if name is None:
            return "$"
        return values[name] if kind != "-" or name in values else default

    return _VARIABLE.sub(value, text)
