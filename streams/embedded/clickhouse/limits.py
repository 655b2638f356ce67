"""What one query of the reader may use, as in production (clickhouse/users.d): memory and time.

The engine has one user, so its own constraints would bind the writer, too. The reader's limits are set when its handle
is opened; here a request that would raise them is refused. A setting has effect only if its name stands in the URL or
as a word in the text, so the text's words are enough to find it.
"""

from collections.abc import Mapping

from streams.embedded.clickhouse.errors import SETTING_CONSTRAINT_VIOLATION, ClickHouseError
from streams.embedded.clickhouse.lexer import tokens

# Lowest, default and highest value; bytes and seconds. Zero would mean "without limit".
_LIMITS: dict[str, tuple[float, float, float]] = {
    "max_memory_usage": (1, 4_000_000_000, 4_000_000_000),
    "max_execution_time": (0.1, 60, 300),
}
READER_DEFAULTS = {name: f"{default:.0f}" for name, (_, default, _) in _LIMITS.items()}


def check_reader(settings: Mapping[str, str], sql: str) -> None:
    """Raise SETTING_CONSTRAINT_VIOLATION if the reader's request would raise a limit."""
    for name in _LIMITS.keys() & settings.keys():
        _check(name, settings[name])
    if not any(name in sql.lower() for name in _LIMITS):
        return
    found = list(tokens(sql.encode(errors="surrogateescape")))
    for word, equals, value in zip(found, found[1:], found[2:], strict=False):
        if word.name.lower() in _LIMITS and equals.text == b"=":
            _check(word.name.lower(), value.text.decode(errors="replace").strip("'"))


def _check(name: str, value: str) -> None:
    least, _, most = _LIMITS[name]
    try:
        number = float(value.replace("_", ""))
    except ValueError:
        number = -1.0
    if not least <= number <= most:
        said = f"reader: Setting {name} is {value}, which isn't between {least:g} and {most:g}."
        raise ClickHouseError(SETTING_CONSTRAINT_VIOLATION, said)
