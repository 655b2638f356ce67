"""What a load says: the difference, the bad rows, and what became of both."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from rich.console import Console

from streams.catalogue_load.staging import Described, Step

# This many of each kind show what a file does.
SHOWN = 10
KINDS = {"+": "to add", "~": "to change", "-": "to retire"}


@dataclass
class Report:
    """What a load found and did. `planned` counts by kind, as in KINDS."""

    out: Console
    everything: bool = False
    rows: int = 0
    bad_rows: int = 0
    planned: Counter[str] = field(default_factory=Counter)
    of_file: int = 0  # planned for artworks that the file has
    written: int = 0
    problem: str = ""
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """Return 0 if the topic now says what the file says, 130 if interrupted, else 1."""
        if self.interrupted:
            return 130
        return 1 if self.bad_rows or self.problem else 0

    def say(self, text: str) -> None:
        """Print a line as it is; what others wrote can't reach the terminal's controls."""
        plain = "".join(each if each.isprintable() else "?" for each in text)
        self.out.print(plain, markup=False, highlight=False, soft_wrap=True)

    def bad(self, place: str, reason: str) -> None:
        """Name a bad row."""
        self._show(self.bad_rows, f"bad row {place}: {reason}")
        self.bad_rows += 1

    def step(self, step: Step) -> None:
        """Count a planned record, and show it."""
        kind = kind_of(step)
        self._show(self.planned[kind], f"{kind} {described(step)}")
        self.planned[kind] += 1
        self.of_file += not step.missing

    def say_plan(self, wanted: int) -> None:
        """Say how much there is to do, in `wanted` artworks of the file."""
        counts = [f"{self.planned[kind]:,} {what}" for kind, what in KINDS.items()]
        counts.append(f"{wanted - self.of_file:,} as they are")
        self.say(f"{self.rows:,} rows, {self.bad_rows:,} bad: {', '.join(counts)}.")
        hidden = sum(max(0, count - SHOWN) for count in (*self.planned.values(), self.bad_rows))
        if hidden and not self.everything:
            self.say(f"Only the first {SHOWN} of each are shown; --all shows the other {hidden:,} too.")

    def _show(self, before: int, line: str) -> None:
        """Print a line if it is one of the first of its kind."""
        if self.everything or before < SHOWN:
            self.say(line)


def kind_of(step: Step) -> str:
    """Return the sign of what a record does, one of KINDS."""
    if step.before is None:
        return "+"
    return "-" if step.after == step.before._replace(retired=True) else "~"


def record(after: Described) -> bytes:
    """Return the value of the record that says this of an artwork."""
    return orjson.dumps({**after._asdict(), "dna": orjson.Fragment(after.dna)})


def described(step: Step) -> str:
    """Return what a record does, for people."""
    before, after = step.before, step.after
    if before is None:
        retired = " retired" if after.retired else ""
        return f"{after.artwork_id} {after.pool_id} ordinal {after.ordinal}{retired}"
    if kind_of(step) == "-":
        return f"{after.artwork_id} {after.pool_id}"
    return f"{after.artwork_id} {', '.join(_changes(before, after))}"


def _changes(before: Described, after: Described) -> Iterator[str]:
    def shown(name: str, value: Any) -> str:
        return f"{len(orjson.loads(value))} numbers" if name == "dna" else str(value).lower()

    for name, old, new in zip(Described._fields, before, after, strict=True):
        if old != new:
            yield f"{name}: {shown(name, old)} -> {shown(name, new)}"
