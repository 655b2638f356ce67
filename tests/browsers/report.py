"""The tables of a run, as Markdown: what each scenario lost and doubled in each engine, and what that adds up to."""

from collections.abc import Iterable, Sequence

from tests.browsers.results import Result, Run
from tests.browsers.scenario import ALL

Row = Sequence[str]
Table = tuple[Row, list[Row]]
TITLES = {"chromium": "Chromium", "firefox": "Firefox", "webkit": "WebKitGTK"}
NOT_RUN = "-"


def cell(result: Result | None) -> str:
    """Return what a scenario led to in an engine: lost / double; `-` if it isn't for this engine, or was not run."""
    if result is None or result.skipped:
        return NOT_RUN
    text = f"{result.lost} / {result.double}"
    return text if result.ok else f"**{text}**"


def by_scenario(run: Run, group: str) -> Table:
    """Return a group's scenarios, with lost and double in each engine; what is not as expected is bold."""
    rows: dict[str, list[Result]] = {}
    for each in run.results:
        if each.group == group:
            rows.setdefault(each.scenario, []).append(each)
    columns = ("scenario", "from", *(TITLES[engine] for engine in ALL))
    return columns, [
        (name, found[0].source.partition(":")[0], *(cell(_of(found, engine)) for engine in ALL))
        for name, found in rows.items()
    ]


def groups(run: Run) -> list[str]:
    """Return the groups that were played."""
    return sorted({each.group for each in run.results})


def sums(run: Run) -> Table:
    """Return each engine's sums."""
    columns = ("engine", "scenarios", "recorded", "lost", "double", "sent for each recorded", "as expected")
    return columns, [_sum(run, engine) for engine in ALL if engine in run.engines]


def exceptions(run: Run) -> list[str]:
    """Return a line for each scenario where something else than 0 is expected, or where it isn't for an engine."""
    found: dict[str, str] = {}
    for each in run.results:
        if each.reason and each.expected_lost != (0, 0):
            low, high = each.expected_lost
            number = str(low) if low == high else f"{low} to {high}"
            found.setdefault(each.scenario, f"- {each.scenario}: {number} lost. {each.reason}")
    return list(found.values())


def wrong(run: Run) -> list[str]:
    """Return a line for each result that is not as expected."""
    return [
        f"- {each.scenario}, {TITLES[each.engine]}: {each.why}"
        for each in run.results
        if not each.ok and not each.skipped
    ]


def losses(results: Iterable[Result]) -> list[Row]:
    """Return the scenarios in which anything was lost or double: name, and a cell for each engine."""
    rows: dict[str, list[Result]] = {}
    for each in results:
        rows.setdefault(each.scenario, []).append(each)
    return [
        (name, *(cell(_of(found, engine)).strip("*") for engine in ALL))
        for name, found in rows.items()
        if any(each.lost or each.double for each in found)
    ]


def _of(results: Iterable[Result], engine: str) -> Result | None:
    return next((each for each in results if each.engine == engine), None)


def _sum(run: Run, engine: str) -> Row:
    played = [each for each in run.results if each.engine == engine and not each.skipped]
    recorded = sum(each.recorded for each in played)
    right = sum(each.ok for each in played)
    return (
        run.engines[engine],
        f"{len(played):,}",
        f"{recorded:,}",
        f"{sum(each.lost for each in played):,}",
        f"{sum(each.double for each in played):,}",
        f"{sum(each.sends for each in played) / max(1, recorded):.1f}",
        f"{right:,} of {len(played):,}",
    )
