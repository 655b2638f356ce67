"""What can keep a read from being answered."""

from streams.errors import Kind, KnownError


class AwayError(KnownError):
    """ClickHouse doesn't answer in time, or the tail isn't up to date: the same request may succeed in a moment."""

    kind = Kind.WAIT


class RowsGoneError(KnownError):
    """ClickHouse no longer has rows that it had: it was restored, say. What is in memory must be read again."""

    kind = Kind.WAIT
