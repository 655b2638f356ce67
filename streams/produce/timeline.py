"""The play's clock: a log's times, moved and scaled."""

from dataclasses import dataclass

from streams.errors import UserError


@dataclass(frozen=True, slots=True)
class Timeline:
    """Maps the log's times (ms) so that `last` lands on `rebase_to` and the span from `first` takes `compress_to`.

    None keeps the last event where it is, or the span as long as it is. Order is kept: the later of two times is
    never mapped before the earlier one. Raises UserError when the first event would land before 1970.
    """

    first: int
    last: int
    rebase_to: int | None = None
    compress_to: int | None = None

    def __post_init__(self) -> None:
        if self.map(self.first) < 0:
            raise UserError("The log would begin before 1970: rebase it to a later time, or compress it further.")

    @property
    def end(self) -> int:
        """Return where the last event lands (ms)."""
        return self.last if self.rebase_to is None else self.rebase_to

    def map(self, ms: int) -> int:
        """Return where a time of the log lands (ms, whole)."""
        before, span = self.last - ms, self.last - self.first
        if self.compress_to is not None and span > 0:
            before = before * self.compress_to // span
        return self.end - before
