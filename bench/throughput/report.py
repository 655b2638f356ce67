"""The figures, as a table for people and as JSON for programs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from bench.lib.expected import Comparison
from bench.lib.figures import table as markdown
from bench.lib.systems import OURS, SYSTEMS, System
from bench.lib.trial import Result

DIGITS = 5
COLUMNS = (
    "a record",
    "system",
    "guarantee",
    "impressions/s",
    "of ours",
    "CPU s per million",
    "of ours",
    "whole run's",
    "broker's",
    "peak MiB",
    "state MiB",
    "changelog MiB",
    "output equals the oracle",
)


@dataclass(frozen=True)
class Row:
    """A system's figures at one size: each the median over its measurements, and the worst of its outputs."""

    system: System
    size: int
    measurements: int
    rate: float
    rate_range: tuple[float, float]
    cpu: float
    whole_cpu: float | None
    broker_cpu: float
    peak_mib: float
    state_mib: float | None
    changelog_mib: float | None
    worst: Result


def rows(results: Iterable[Result]) -> list[Row]:
    """Sum up the measurements, one size after the other, in the order of SYSTEMS."""
    order = list(SYSTEMS)
    by_key: dict[tuple[int, int], list[Result]] = {}
    for each in results:
        by_key.setdefault((each.size, order.index(each.system.name)), []).append(each)
    return [_row(by_key[key]) for key in sorted(by_key)]


def _row(results: Sequence[Result]) -> Row:
    steady = [each.steady for each in results]
    rates = [each.rate for each in steady]
    return Row(
        system=results[0].system,
        size=results[0].size,
        measurements=len(results),
        rate=median(rates),
        rate_range=(min(rates), max(rates)),
        cpu=median(each.cpu_per_million for each in steady),
        whole_cpu=_median(each.whole_cpu_per_million for each in results),
        broker_cpu=median(each.broker_per_million for each in steady),
        peak_mib=median(each.peak_mib for each in steady),
        state_mib=_median(each.state_mib for each in results),
        changelog_mib=_median(each.changelog_mib for each in results),
        worst=max(results, key=lambda each: each.output.missing + each.output.extra if each.output else 0),
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return median(known) if known else None


def table(found: Sequence[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table, then the notes on some of its rows."""
    ours = {each.size: each for each in found if each.system.name == OURS}
    yield from markdown(COLUMNS, [_cells(each, ours.get(each.size)) for each in found])
    for system in dict.fromkeys(each.system.name for each in found if each.system.note):
        yield f"{SYSTEMS[system].title}: {SYSTEMS[system].note}."


def _cells(row: Row, ours: Row | None) -> tuple[str, ...]:
    return (
        "1" if row.size == 1 else f"about {row.size}",
        row.system.title,
        row.system.guarantee,
        f"{row.rate:,.0f}",
        ratio(row.rate, ours.rate if ours else None),
        f"{row.cpu:,.1f}",
        ratio(row.cpu, ours.cpu if ours else None),
        _number(row.whole_cpu),
        f"{row.broker_cpu:,.1f}",
        f"{row.peak_mib:,.0f}",
        _number(row.state_mib),
        _number(row.changelog_mib),
        verdict(row.worst),
    )


def ratio(value: float, of: float | None) -> str:
    """Return this figure's ratio to another, as text."""
    return f"{value / of:,.2f}" if of else "-"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"


def sentence(result: Result) -> str:
    """Return a line that says what was measured."""
    return (
        f"{result.system.name}: {result.steady.rate:,.0f} impressions/s, {result.steady.cpu_per_million:,.1f} CPU s "
        f"per million, {result.steady.peak_mib:,.0f} MiB, output equals the oracle: {verdict(result)}"
    )


def verdict(result: Result) -> str:
    """Return whether the output equals the oracle's and, if not, by how much it differs, as text."""
    if result.output is None:
        return "-"
    text = f"yes ({result.output.found:,})" if result.output.equal else f"no: {_difference(result.output)}"
    if result.own_rule is not None:
        own = result.own_rule
        text += f"; by its own rule: {'yes' if own.equal else _difference(own)}"
    if result.output.wrong_coverage:
        text += f"; coverage of {result.output.wrong_coverage:,} users wrong"
    return text


def _difference(output: Comparison) -> str:
    return f"of {output.expected:,}, {output.missing:,} missing and {output.extra:,} too many"


def as_json(results: Sequence[Result], impressions: int) -> dict[str, Any]:
    """Return every measurement, the medians, and the systems' versions."""
    found = rows(results)
    ours = {each.size: each for each in found if each.system.name == OURS}
    return {
        "impressions": impressions,
        "medians": tidy([_row_json(each, ours.get(each.size)) for each in found]),
        "measurements": tidy([each.as_json() for each in results]),
        "systems": {each.system.name: each.system.version() for each in results},
    }


def _row_json(row: Row, ours: Row | None) -> dict[str, Any]:
    found = asdict(row)
    del found["worst"]
    return {
        **found,
        "system": row.system.name,
        "title": row.system.title,
        "variant": row.system.variant,
        "guarantee": row.system.guarantee,
        "verdict": verdict(row.worst),
        "rate_of_ours": row.rate / ours.rate if ours else None,
        "cpu_of_ours": row.cpu / ours.cpu if ours else None,
    }


def tidy(value: Any) -> Any:
    """Return the figures rounded to their significant digits."""
    if isinstance(value, dict):
        return {key: tidy(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [tidy(each) for each in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
