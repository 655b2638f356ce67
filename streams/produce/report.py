"""What became of the files' rows, and how it is said."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rich.console import Console

from streams.produce.options import ProduceOptions
from streams.produce.rows import BadRow
from streams.produce.tally import Tally
from streams.produce.times import EPOCH

# This many are enough to see what kind of rows are bad.
SHOWN_BAD = 5


@dataclass(slots=True)
class Report:
    """What became of the files' rows. `bad` has the first few of the bad rows."""

    tally: Tally = field(default_factory=Tally)
    sent: int = 0
    acknowledged: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    problem: str = ""  # why not all were acknowledged
    bad: list[BadRow] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Return the number of rows that were read."""
        return self.tally.rows

    @property
    def bad_rows(self) -> int:
        """Return the number of bad rows."""
        return self.tally.bad

    @property
    def exit_code(self) -> int:
        """Return 0 if every row was acknowledged or is another event, 1 if not or if counts differ, 130 if interrupted.

        A row that is bad is one that was not acknowledged.
        """
        if self.interrupted:
            return 130
        return 1 if self.bad_rows or self.problem or self.tally.problems else 0

    def settle(self) -> None:
        """Compare the impressions that were read with those that the broker acknowledged."""
        if not self.interrupted and not self.problem and self.acknowledged != self.tally.impressions:
            self.tally.problems.append(
                f"{self.tally.impressions:,} impressions were read, and {self.acknowledged:,} acknowledged."
            )


def say_bad(report: Report, out: Console) -> None:
    """Show the first bad rows, and which counts don't add up."""
    for bad in report.bad:
        say(out, f"bad row {bad}")
    if report.bad_rows > len(report.bad):
        say(out, f"and {report.bad_rows - len(report.bad):,} more bad rows")


def say_problems(report: Report, out: Console) -> None:
    """Show which counts don't add up."""
    for problem in report.tally.problems:
        say(out, f"The counts don't add up, which is a defect: {problem}")


def say_end(report: Report, options: ProduceOptions, out: Console) -> None:
    """Show what was read and what became of it."""
    if report.interrupted:
        say(out, f"Interrupted. {_again(options)}")
    if report.problem:
        say(out, f"{report.problem} {_again(options)}")
    say_problems(report, out)
    rate = report.acknowledged / max(report.seconds, 1e-3)
    say(
        out,
        f"{report.rows:,} rows read, {report.sent:,} impressions sent, {report.acknowledged:,} acknowledged,"
        f" {report.tally.text()}, {report.seconds:.1f} s, {rate:,.0f}/s",
    )


def _again(options: ProduceOptions) -> str:
    """Say how to send the rest; a second run is a retry only with the same ids and times."""
    if options.columns.new_ids:
        return "A second run makes new ids; only impressions within the dedupe window of their first are known again."
    same = "" if options.rebase_to is None else f" with --rebase-to {iso(options.rebase_to)}"
    return f"Run the same command again{same} to send the rest: what has arrived is not counted twice."


def iso(ms: int) -> str:
    """Return a time (ms) as ISO 8601."""
    at: datetime = EPOCH + timedelta(milliseconds=ms)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def say(out: Console, line: str) -> None:
    """Print a line as it is."""
    out.print(line, markup=False, highlight=False, soft_wrap=True)
