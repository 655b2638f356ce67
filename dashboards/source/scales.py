"""Thresholds with their words: a colour or a line that nobody explains is a riddle."""

from dataclasses import dataclass
from typing import NamedTuple

from grafana_foundation_sdk.models.dashboard import Threshold, ThresholdsConfig, ThresholdsMode

from dashboards.source.colours import BAD, GOOD, MISSED, PLAIN


class Mark(NamedTuple):
    """A value, and how it is written: 0.9 is 90 %."""

    value: float
    text: str


class Line(NamedTuple):
    """A threshold as a graph draws it: a level, its colour and the words beside it."""

    level: float
    colour: str
    words: str


@dataclass(frozen=True, slots=True)
class Scale:
    """The colours of a value, what they mean, the lines that a graph draws for them, and the target in a few words."""

    first: str
    steps: tuple[tuple[float, str], ...] = ()
    meaning: str = ""
    lines: tuple[Line, ...] = ()
    target: str = ""

    @property
    def thresholds(self) -> ThresholdsConfig:
        """The first colour, and another one from each value on."""
        later = [Threshold(value, colour) for value, colour in self.steps]
        return ThresholdsConfig(mode=ThresholdsMode.ABSOLUTE, steps=[Threshold(None, self.first), *later])


def plain(colour: str = PLAIN) -> Scale:
    """Return one colour, for what is neither good nor bad."""
    return Scale(colour)


def zero_is_right(unwanted: str = BAD) -> Scale:
    """Return the scale of what must not occur at all."""
    return Scale(GOOD, ((1e-9, unwanted),), f"Green at 0, {unwanted} above.", target="target: 0")


def some_are_needed() -> Scale:
    """Return the scale of what there must be at least one of."""
    return Scale(BAD, ((1, GOOD),), "Red at 0, green from 1 on.", target="target: 1 or more")


def at_most(target: Mark, bad: Mark | None = None) -> Scale:
    """Return the scale of what must stay below its target, and raises an alert from `bad` on."""
    steps = [(target.value, MISSED), *([] if bad is None else [(bad.value, BAD)])]
    meaning = f"Green below {target.text}, orange from there on" + (f", red from {bad.text} on." if bad else ".")
    lines = [Line(target.value, MISSED, f"target: below {target.text}"), *_alert_from(bad)]
    return Scale(GOOD, tuple(steps), meaning, tuple(lines), f"target: below {target.text}")


def alert_from(bad: Mark) -> Scale:
    """Return the scale of what raises an alert from `bad` on, with nothing between right and wrong."""
    meaning = f"Green below {bad.text}, red from there on."
    return Scale(GOOD, ((bad.value, BAD),), meaning, tuple(_alert_from(bad)), f"target: below {bad.text}")


def at_least(target: Mark, bad: Mark | None = None) -> Scale:
    """Return the scale of what must reach its target, and raises an alert below `bad`."""
    line, words = Line(target.value, GOOD, f"target: from {target.text}"), f"target: {target.text}"
    if bad is None:
        meaning = f"Green from {target.text} on, orange below."
        return Scale(MISSED, ((target.value, GOOD),), meaning, (line,), words)
    meaning = f"Green from {target.text} on, orange below, red below {bad.text}."
    lines = (line, Line(bad.value, BAD, f"alert: below {bad.text}"))
    return Scale(BAD, ((bad.value, MISSED), (target.value, GOOD)), meaning, lines, words)


def noted(meaning: str, *steps: tuple[float, str], first: str = "text") -> Scale:
    """Return a scale of a table's column that stays plain up to a value."""
    return Scale(first, steps, meaning)


def _alert_from(bad: Mark | None) -> list[Line]:
    return [] if bad is None else [Line(bad.value, BAD, f"alert: from {bad.text}")]


SECOND, FIVE_SECONDS, HALF_MINUTE, MINUTE = Mark(1, "1 s"), Mark(5, "5 s"), Mark(30, "30 s"), Mark(60, "1 min")
# The share of a pool that is new to its users, and the share of users who have nothing left to see in it.
MOSTLY_NEW = at_least(Mark(0.9, "90 %"), bad=Mark(0.5, "50 %"))
FEW_EXHAUSTED = alert_from(Mark(0.01, "1 %"))
# A pool that is being used up: first new artworks are ordered, then it is exhausted.
COVERED = at_most(Mark(0.85, "85 %"), bad=Mark(0.95, "95 %"))
FAILING = at_most(Mark(0.01, "1 %"), bad=Mark(0.05, "5 %"))
FAST = at_most(Mark(0.1, "0.1 s"))
READ_FAST = at_most(Mark(0.02, "20 ms"))
