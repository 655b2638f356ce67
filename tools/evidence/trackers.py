"""What browsers lost and doubled with other trackers, beside our recorder: the same scenarios on each."""

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Any

from tools.evidence.results import RESULTS, load, table

NOT_YET = "Not measured yet: `python -m tests.browsers.trackers.collect` writes the figures, `make schemas` this table."
OURS, CONTROL = "recorder", "control"
TITLES = {OURS: "ours", CONTROL: "naive control"}
Rows = Sequence[dict[str, Any]]


def totals() -> list[str]:
    """Return each subject's sums over all scenarios that it was tried in."""
    if not _there():
        return [NOT_YET]
    columns = ("subject", "version", "scenarios", "recorded", "lost", "scenarios with a loss", "double", "double, raw")
    return table(columns, [(_title(name), load("trackers")["subjects"][name], *_sums(name)) for name in _subjects()])


def by_engine() -> list[str]:
    """Return how many each subject lost in each engine, of those recorded there."""
    if not _there():
        return [NOT_YET]
    engines = load("trackers")["engines"]
    rows = [
        (_title(name), *(_lost(_played(subject=name, engine=engine)) or "-" for engine in engines))
        for name in _subjects()
    ]
    return table(("subject", *engines.values()), rows)


def by_scenario() -> list[str]:
    """Return what each subject lost in each scenario, over all engines."""
    if not _there():
        return [NOT_YET]
    subjects = _subjects()
    rows = [
        (each["name"], *(_outcome(_played(subject=name, scenario=each["name"])) for name in subjects))
        for each in load("trackers")["scenarios"]
    ]
    return table(("scenario", *map(_title, subjects)), rows)


def explained() -> list[str]:
    """Return what happens in each scenario, and where it comes from."""
    if not _there():
        return [NOT_YET]
    return _list(f"**{each['name']}** ({each['source']}): {each['what']}" for each in load("trackers")["scenarios"])


def configured() -> list[str]:
    """Return how each tracker was configured, where that is advised, and how its vendor drops duplicates."""
    if not _there():
        return [NOT_YET]
    vendors = load("trackers")["vendors"].values()
    return _list(
        f"**{each['name']}**, {each['package']} {each['version']} ([advice]({each['docs']})): {each['configured']}. "
        + (f"Drops duplicates by [{each['key']}]({each['key_source']})." if each["key"] else "Drops no duplicates.")
        for each in vendors
    )


def _list(entries: Iterable[str]) -> list[str]:
    return [
        line
        for entry in entries
        for line in wrap(f"- {entry}", 120, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    ]


def _there() -> bool:
    return (RESULTS / "trackers.json").exists()


def _subjects() -> list[str]:
    return list(load("trackers")["subjects"])


def _title(subject: str) -> str:
    return TITLES.get(subject, subject)


def _played(**which: str) -> Rows:
    rows: Rows = load("trackers")["results"]
    return [each for each in rows if "skipped" not in each and which.items() <= each.items()]


def _sums(subject: str) -> Iterator[str]:
    rows = _played(subject=subject)
    yield f"{len({each['scenario'] for each in rows})}"
    yield f"{_sum(rows, 'recorded'):,}"
    yield _lost(rows, share=True)
    yield f"{len({each['scenario'] for each in rows if each['lost']})}"
    yield f"{_sum(rows, 'double'):,}"
    yield f"{_sum(rows, 'double_raw'):,}" if any("double_raw" in each for each in rows) else "-"


def _lost(rows: Rows, share: bool = False) -> str:
    if not rows:
        return ""
    lost, recorded = _sum(rows, "lost"), _sum(rows, "recorded")
    return f"{lost:,} ({lost / max(1, recorded):.1%})" if share else f"{lost:,} of {recorded:,}"


def _outcome(rows: Rows) -> str:
    if not rows:
        return "-"
    double = _sum(rows, "double")
    early = "*" if any("ended_early" in each for each in rows) else ""
    return f"{_sum(rows, 'lost'):,}/{_sum(rows, 'recorded'):,}{f', {double:,} double' if double else ''}{early}"


def _sum(rows: Iterable[dict[str, Any]], field: str) -> int:
    return sum(each.get(field, 0) for each in rows)
