"""Results of runs, one file each, so that the runs of many days add up to one report."""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".local" / "faults"
RESULTS, KEPT = FOLDER / "results", FOLDER / "kept"


@dataclass
class Result:
    """One run of a case, a seed or a control. For a control, `ok` says that it failed as it must."""

    name: str
    ok: bool = True
    why: str = ""
    seconds: float = 0.0
    lines: int = 0
    impressions: int = 0
    differences: int = 0
    faults: list[str] = field(default_factory=list)
    restarts: int = 0
    raw_excess: dict[str, int] = field(default_factory=dict)
    skipped: bool = False

    def save(self) -> None:
        """Write the result, in place of an earlier one of its name."""
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / f"{slug(self.name)}.json").write_text(json.dumps(asdict(self), indent=1))


def slug(name: str) -> str:
    """Return a name for a folder or file, without any character that a program could read as a separator."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name)


def load_all() -> list[Result]:
    """Return every saved result, sorted by name."""
    return sorted(
        (Result(**json.loads(path.read_text())) for path in RESULTS.glob("*.json")), key=lambda each: each.name
    )


def kind(result: Result) -> str:
    """Return the heading of a result: that of the cases, the schedules or the controls."""
    first = result.name.split(" ")[0]
    return {"seed": "random schedules", "control": "negative controls"}.get(first, "matrix")


def table(results: Iterable[Result]) -> str:
    """Return the merged report as Markdown."""
    rows = [
        "| | runs | lines | impressions | faults | restarts | runs with differences |",
        "|---|---|---|---|---|---|---|",
    ]
    results = [each for each in results if not each.skipped]
    for of_kind in ("matrix", "random schedules"):
        some = [each for each in results if kind(each) == of_kind]
        sums: dict[str, Any] = {
            name: sum(getattr(each, name) for each in some) for name in ("lines", "impressions", "restarts")
        }
        faults = sum(max(1, len(each.faults)) for each in some)
        bad = sum(not each.ok for each in some)
        rows.append(
            f"| {of_kind} | {len(some)} | {sums['lines']:,} | {sums['impressions']:,} | {faults} | "
            f"{sums['restarts']} | {bad} |"
        )
    return "\n".join(rows)


def details(results: Iterable[Result]) -> str:
    """Return Markdown with a row for each case of the matrix, and one for each control."""
    rows = ["| case | lines | impressions | restarts | rows written twice | result |", "|---|---|---|---|---|---|"]
    for each in results:
        if kind(each) == "matrix":
            said = f"not run: {each.why}" if each.skipped else "no difference" if each.ok else each.why
            counts = (each.lines, each.impressions, each.restarts, sum(each.raw_excess.values()))
            rows.append(" | ".join([f"| {each.name}", *(f"{count:,}" for count in counts), f"{said} |"]))
    rows += ["", "| control | what was found |", "|---|---|"]
    for each in results:
        if kind(each) == "negative controls":
            found = each.why.replace("|", "\\|")
            rows.append(f"| {each.name.removeprefix('control ')} | {found if each.ok else f'**missed**: {found}'} |")
    return "\n".join(rows)
