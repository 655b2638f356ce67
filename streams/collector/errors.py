"""What can stop a request's lines from getting into the log."""

from streams.errors import Kind, KnownError


class UnavailableError(KnownError):
    """The brokers didn't acknowledge all of it; what they have all the same, the worker will know again."""

    kind = Kind.WAIT


class LineRefusedError(KnownError):
    """The brokers won't take one of the lines, however often it is sent: it is too large for the topic."""

    kind = Kind.REFUSE
