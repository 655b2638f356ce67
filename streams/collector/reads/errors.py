"""What can keep a read from being answered."""

from streams.errors import Kind, KnownError


class AwayError(KnownError):
    """A read can't be answered now, as when ClickHouse doesn't answer in time: it may be in a moment.

    The text is for whoever asked: it says nothing of the servers behind.
    """

    kind = Kind.WAIT


class CostlyError(AwayError):
    """The question itself was too much: it took too long while others were answered, or its answer is too large."""


class BehindError(AwayError):
    """The tail isn't up to date, so that an answer could lack what was accepted."""


class RowsGoneError(KnownError):
    """ClickHouse no longer has rows that it had: it was restored, say. What is in memory must be read again."""

    kind = Kind.WAIT
