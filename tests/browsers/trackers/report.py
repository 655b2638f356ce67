"""The tables of the trackers' runs, beside our recorder's and the naive control's, as Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap

from tests.browsers.play import EARLY, RAW
from tests.browsers.report import NOT_RUN, TITLES, Table
from tests.browsers.results import Result, Run
from tests.browsers.scenario import ALL
from tests.browsers.trackers.vendors import VENDORS, Vendor

OURS, CONTROL = "recorder", "control"
# In the order of the tables' columns.
SUBJECTS = (OURS, CONTROL, *(vendor.name for vendor in VENDORS))
NAMES = {OURS: "ours", CONTROL: "control"}
WIDTH = 120
Runs = Mapping[str, Run]


def totals(runs: Runs) -> Table:
    """Return each subject's sums over the scenarios and engines in which trackers were tried."""
    columns = ("subject", "runs", "recorded", "lost", "runs with a loss", "double", "double, raw")
    return columns, [(_name(subject), *_sums(found)) for subject, found in beside(runs).items()]


def by_engine(runs: Runs) -> Table:
    """Return how many each subject lost in each engine, of those recorded there."""
    engines = [engine for engine in ALL if any(engine in run.engines for run in runs.values())]
    return ("subject", *(TITLES[engine] for engine in engines)), [
        (_name(subject), *(_lost([each for each in found if each.engine == engine]) for engine in engines))
        for subject, found in beside(runs).items()
    ]


def by_scenario(runs: Runs, group: str) -> Table:
    """Return what each subject lost in each scenario of a group, over all engines."""
    found = beside(runs)
    names = dict.fromkeys(each.scenario for results in found.values() for each in results if each.group == group)
    return ("scenario", *map(_name, found)), [
        (name, *(cell([each for each in results if each.scenario == name]) for results in found.values()))
        for name in names
    ]


def groups(runs: Runs) -> list[str]:
    """Return the groups in which trackers were tried."""
    return sorted({each.group for results in beside(runs).values() for each in results})


def beside(runs: Runs) -> dict[str, list[Result]]:
    """Return each subject's results that count; of ours and the control's, those in what a tracker was tried in."""
    theirs = {name: list(filter(_counts, run.results)) for name, run in runs.items() if name not in NAMES}
    tried = {each.key for results in theirs.values() for each in results}
    found = {
        name: [each for each in run.results if each.key in tried and _counts(each)]
        for name, run in runs.items()
        if name in NAMES
    }
    return {name: {**found, **theirs}[name] for name in SUBJECTS if name in runs}


def left_out(runs: Runs) -> list[str]:
    """Return a line for each reason for which scenarios were not played on trackers."""
    why: dict[str, set[str]] = {}
    for name, run in runs.items():
        for each in run.results if name not in NAMES else ():
            if each.skipped:
                why.setdefault(each.why, set()).add(each.scenario)
    return _list(f"{reason}: {', '.join(sorted(names))}." for reason, names in sorted(why.items()))


def configured() -> list[str]:
    """Return how each tracker was configured, where that is advised, and how its vendor drops duplicates."""
    return _list(map(_configured, VENDORS))


def cell(results: Sequence[Result]) -> str:
    """Return what a scenario led to: lost of recorded, and double; `*` if it ended early."""
    if not results:
        return NOT_RUN
    double = sum(each.double for each in results)
    early = "*" if any(EARLY in each.facts for each in results) else ""
    return f"{_lost(results, '/')}{f' +{double:,}' if double else ''}{early}"


def _counts(result: Result) -> bool:
    # Where nothing was recorded, the scenario did not begin.
    return not result.skipped and result.recorded > 0


def _sums(results: Sequence[Result]) -> tuple[str, ...]:
    raw = [each.facts[RAW] for each in results if RAW in each.facts]
    return (
        f"{len(results):,}",
        f"{sum(each.recorded for each in results):,}",
        f"{sum(each.lost for each in results):,}",
        f"{sum(1 for each in results if each.lost):,}",
        f"{sum(each.double for each in results):,}",
        f"{sum(raw):,}" if raw else NOT_RUN,
    )


def _lost(results: Sequence[Result], of: str = " of ") -> str:
    recorded = sum(each.recorded for each in results)
    return f"{sum(each.lost for each in results):,}{of}{recorded:,}" if results else NOT_RUN


def _configured(vendor: Vendor) -> str:
    drops = f"Drops duplicates by {vendor.key} ([how]({vendor.key_source}))." if vendor.key else "Drops no duplicates."
    return (
        f"**{vendor.name}**, {vendor.package} {vendor.version} ([advice]({vendor.docs})): {vendor.configured}. {drops}"
    )


def _name(subject: str) -> str:
    return NAMES.get(subject, subject)


def _list(entries: Iterable[str]) -> list[str]:
    return [
        line
        for entry in entries
        for line in wrap(f"- {entry}", WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    ]
