"""Expands a panel's query as Grafana and its ClickHouse plugin 4.20.0 do before sending it. Pure functions.

The order is theirs: `$__conditionalAll`, then variables (Grafana's page), then the other macros (the plugin's backend).
Grafana leaves unknown names as they are, and the server refuses them; here they raise a ValueError that names them.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

# Grafana's value of a variable when "All" is chosen.
ALL = "$__all"

Value = str | Sequence[str]
_Macro = Callable[[list[str]], str]

# A group of a regular expression, like `$1`, is not a variable.
_VARIABLE = re.compile(r"\$(?!__|\d)(\w+)|\$\{(?!__)(\w+)(?::(\w+))?\}")
_BUILT_IN = re.compile(r"\$(__\w+)\b(?!\()|\$\{(__\w+)(?::(\w+))?\}")
_MACRO = re.compile(r"\$__(\w+)(\()?")
_CONDITIONAL = "$__conditionalAll("
# Quoted text comes first, so a comment sign within it does not start a comment.
_COMMENT = re.compile(r"'(?:\\.|''|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`(?:\\.|[^`\\])*`|(--[^\n]*|/\*.*?\*/)", re.DOTALL)
_QUOTED = re.compile(r"'(?:\\.|''|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`(?:\\.|[^`\\])*`", re.DOTALL)
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
_SPECIAL = re.compile(r"[$^*{}\[\]'+?.()|\\]")


class Everything(tuple[str, ...]):
    """All values of a variable, because "All" is chosen: conditions on it are dropped, elsewhere the values are put in.

    `custom` is the variable's own word for all of them (`allValue`), put in as it is, unquoted.
    """

    custom: str | None

    def __new__(cls, values: Sequence[str], custom: str | None = None) -> "Everything":
        """Return the values; `custom` is Grafana's `allValue`, None without one."""
        made = super().__new__(cls, values)
        made.custom = custom
        return made


def expand(sql: str, *, start: int, stop: int, interval_seconds: int, variables: Mapping[str, Value]) -> str:
    """Return the SQL that the plugin sends for a time range (ms since the epoch, UTC) and an interval (s).

    A variable's value is one text or several; ALL or Everything if "All" is chosen. Raises ValueError for a macro
    that the plugin doesn't know, a wrong number of arguments, a variable or a format that isn't defined.
    """
    interval = max(interval_seconds, 1)
    sql = _conditional_all(sql, variables)
    sql = _built_in(sql, _query_globals(start, stop, interval))
    sql = _interpolate(sql, variables, _quoted_list)
    sql = _COMMENT.sub(lambda match: " " * len(match[0]) if match[1] else match[0], sql)
    return _expand_macros(sql, _macros(start, stop, interval))


def expand_promql(
    expr: str,
    *,
    interval_seconds: int,
    variables: Mapping[str, Value],
    range_seconds: int = 3600,
    scrape_seconds: int = 15,
) -> str:
    """Return the PromQL that Grafana sends, given the step, the time range's length and the scrape interval (all s).

    `$__rate_interval` is four scrape intervals, or a step and a scrape interval if that is longer. Raises ValueError as
    `expand` does.
    """
    interval = max(interval_seconds, 1)
    rate = max(interval + scrape_seconds, 4 * scrape_seconds)
    expr = _built_in(
        expr,
        {
            "__rate_interval": f"{rate}s",
            "__rate_interval_ms": str(rate * 1000),
            "__interval": f"{interval}s",
            "__interval_ms": str(interval * 1000),
            "__range": f"{range_seconds}s",
            "__range_s": str(range_seconds),
            "__range_ms": str(range_seconds * 1000),
        },
    )
    expr = _interpolate(expr, variables, _promql_value)
    if unknown := _MACRO.search(expr):
        raise ValueError(f"Grafana has no ${unknown[0][1:]} for Prometheus.")
    return expr


def _conditional_all(sql: str, variables: Mapping[str, Value]) -> str:
    # From the last, so a nested one is expanded before the one around it.
    while (at := sql.rfind(_CONDITIONAL)) >= 0:
        arguments, end = _arguments(sql, at + len(_CONDITIONAL) - 1)
        if len(arguments) != 2:
            raise ValueError(f"$__conditionalAll takes 2 arguments, not {len(arguments)}.")
        named = re.search(r"\$\{?(\w+)", arguments[1])
        if named is None or named[1] not in variables:
            raise ValueError(f"$__conditionalAll names an undefined variable: {arguments[1].strip()}")
        value = variables[named[1]]
        chosen_all = isinstance(value, Everything) or value in ("", ALL) or list(value) == [ALL]
        sql = sql[:at] + ("1=1" if chosen_all else arguments[0]) + sql[end:]
    return sql


def _interpolate(text: str, variables: Mapping[str, Value], plain: Callable[[Value], str]) -> str:
    def replace(match: re.Match[str]) -> str:
        name, form = match[1] or match[2], match[3]
        if name not in variables:
            raise ValueError(f"The variable ${name} isn't defined.")
        value = variables[name]
        if isinstance(value, Everything) and value.custom is not None:
            return value.custom
        if value == ALL:
            raise ValueError(f"All of ${name} is chosen, and its values aren't given.")
        if form is None:
            return plain(value)
        if form not in _FORMATS:
            raise ValueError(f"Grafana has no format {form!r} for ${name}.")
        return _FORMATS[form](value)

    return _VARIABLE.sub(replace, text)


def _built_in(text: str, values: Mapping[str, str]) -> str:
    return _BUILT_IN.sub(lambda match: values.get(match[1] or match[2], match[0]), text)


def _query_globals(start: int, stop: int, interval: int) -> dict[str, str]:
    span = (stop - start) // 1000
    return {
        "__from": str(start),
        "__to": str(stop),
        "__interval": f"{interval}s",
        "__interval_ms": str(interval * 1000),
        "__range": f"{span}s",
        "__range_s": str(span),
        "__range_ms": str(stop - start),
    }


def _listed(value: Value) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _wrapped(mark: str, escaped: str) -> Callable[[Value], str]:
    return lambda value: ",".join(f"{mark}{each.replace(mark, escaped)}{mark}" for each in _listed(value))


def _quoted_list(value: Value) -> str:
    return value if isinstance(value, str) else "'" + "','".join(value) + "'"


def _sql_string(value: Value) -> str:
    escaped = (each.replace("'", "''").replace('"', '\\"') for each in _listed(value))
    return ",".join(f"'{each}'" for each in escaped)


def _regex(value: Value) -> str:
    escaped = [re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", each) for each in _listed(value)]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


_FORMATS: dict[str, Callable[[Value], str]] = {
    "raw": lambda value: ",".join(_listed(value)),
    "csv": lambda value: ",".join(_listed(value)),
    "pipe": lambda value: "|".join(_listed(value)),
    "json": lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
    "singlequote": _wrapped("'", "\\'"),
    "doublequote": _wrapped('"', '\\"'),
    "sqlstring": _sql_string,
    "regex": _regex,
}


def _promql_value(value: Value) -> str:
    # One value goes between quotes; several become an alternation, with its backslashes doubled for the quotes.
    if isinstance(value, str):
        return value.replace("\\", "\\\\").replace('"', '\\"')
    escaped = [_SPECIAL.sub(lambda match: "\\\\" + ("\\\\" if match[0] == "\\" else match[0]), each) for each in value]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _expand_macros(sql: str, macros: Mapping[str, tuple[int, _Macro]]) -> str:
    # From the last, so a macro within an argument is expanded before the one around it.
    for found in reversed(list(_MACRO.finditer(sql))):
        name, at = found[1], found.start()
        if name not in macros:
            raise ValueError(f"The plugin has no macro $__{name}.")
        count, macro = macros[name]
        arguments, end = _arguments(sql, found.end() - 1) if found[2] else ([], found.end())
        if len(arguments) != count:
            raise ValueError(f"$__{name} takes {count} argument{'s' * (count != 1)}, not {len(arguments)}.")
        sql = sql[:at] + macro(arguments) + sql[end:]
    return sql


def _arguments(sql: str, opening: int) -> tuple[list[str], int]:
    """Split the arguments after an opening bracket; return them and the place after the closing one."""
    depth, begun, at = 0, opening + 1, opening
    arguments: list[str] = []
    while at < len(sql):
        character = sql[at]
        if quoted := _QUOTED.match(sql, at):
            at = quoted.end()
            continue
        depth += (character in "([") - (character in ")]")
        if depth == 0:
            last = sql[begun:at]
            return ([*arguments, last] if arguments or last.strip() else []), at + 1
        if character == "," and depth == 1:
            arguments.append(sql[begun:at])
            begun = at + 1
        at += 1
    raise ValueError(f"A bracket isn't closed: {sql[opening - 30 : opening + 30].strip()}")


def _macros(start: int, stop: int, interval: int) -> dict[str, tuple[int, _Macro]]:
    first, last = f"toDateTime({start // 1000})", f"toDateTime({stop // 1000})"
    first_ms, last_ms = f"fromUnixTimestamp64Milli({start})", f"fromUnixTimestamp64Milli({stop})"
    first_day, last_day = (f"toDate('{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}')" for ms in (start, stop))

    def between(column: str, low: str, high: str) -> str:
        return f"{column.strip()} >= {low} AND {column.strip()} <= {high}"

    def dates_and_times(columns: list[str]) -> str:
        return f"({between(columns[0], first_day, last_day)}) AND ({between(columns[1], first, last)})"

    return {
        "timeFilter": (1, lambda given: between(given[0], first, last)),
        "timeFilter_ms": (1, lambda given: between(given[0], first_ms, last_ms)),
        "dateFilter": (1, lambda given: between(given[0], first_day, last_day)),
        "dateTimeFilter": (2, dates_and_times),
        "dt": (2, dates_and_times),
        "fromTime": (0, lambda _given: first),
        "toTime": (0, lambda _given: last),
        "fromTime_ms": (0, lambda _given: first_ms),
        "toTime_ms": (0, lambda _given: last_ms),
        "timeFrom": (1, lambda given: f"{given[0].strip()} >= {first}"),
        "timeTo": (1, lambda given: f"{given[0].strip()} <= {last}"),
        "timeInterval": (1, lambda given: _start_of(f"toDateTime({given[0].strip()})", interval, "second")),
        "timeInterval_ms": (
            1,
            lambda given: _start_of(f"toDateTime64({given[0].strip()}, 3)", interval * 1000, "millisecond"),
        ),
        "timeGroup": (
            2,
            lambda given: _start_of(f"toDateTime({given[0].strip()})", _duration_seconds(given[1]), "second"),
        ),
        "interval_s": (0, lambda _given: str(interval)),
    }


def _start_of(time: str, length: int, unit: str) -> str:
    return f"toStartOfInterval({time}, INTERVAL {length} {unit})"


def _duration_seconds(text: str) -> int:
    """Parse a duration in Go's notation (`90s`, `1h30m`); return whole seconds."""
    text = text.strip().strip("'\"")
    parts = re.findall(r"([\d.]+)(ms|s|m|h)", text)
    seconds = round(sum(float(number) * _UNITS[unit] for number, unit in parts))
    if "".join(number + unit for number, unit in parts) != text or seconds <= 0:
        raise ValueError(f"$__timeGroup's interval {text!r} is not a duration: write it like 30s, 5m or 1h.")
    return seconds
