"""Errors that more than one part of the project uses, and what each kind of error means for whoever meets it."""

from enum import Enum
from typing import ClassVar


class Kind(Enum):
    """What an error means for the work that it interrupted."""

    WAIT = "wait"
    """Something outside is away, and will come back: try the same again, in place."""
    RESTART = "restart"
    """This process can't go on, but a new one can: it ends with 75."""
    REFUSE = "refuse"
    """Going on would be wrong, or can't succeed, until a person changes something: it ends with 78."""
    DEFECT = "defect"
    """A fault of ours: it ends with 70, and a stack trace."""


class KnownError(Exception):
    """An error that knows its kind."""

    kind: ClassVar[Kind]


class UserError(KnownError):
    """A problem that users can fix; the text is one clear sentence that says how.

    The command line prints only that sentence and exits with 2; a worker or a sink, with the code of its kind. Any
    other error that ends a process is a defect and keeps its stack trace.
    """

    kind = Kind.REFUSE


class BrokerAwayError(UserError):
    """No broker answered in time, or none that can do what was asked; it may come back."""

    kind = Kind.WAIT


class TopicMissingError(UserError):
    """The broker has no topic of that name: not yet, or for the moment between its deletion and its re-creation."""

    kind = Kind.WAIT


class CatalogueBehindError(UserError):
    """The catalogue doesn't have an artwork yet that the state knows: another worker read about it first."""

    kind = Kind.WAIT


class StateLostError(UserError):
    """The changelogs no longer hold enough to recover the state; going on would be guessing."""


class StateUnreadableError(UserError):
    """The store, or a value in it, can't be read: no line is to blame."""


class StalledError(KnownError):
    """The process hangs although it has work; only a new process can go on."""

    kind = Kind.RESTART


class DiskFullError(KnownError):
    """The local store can't be written; once there is space, a restarted process goes on from the changelogs."""

    kind = Kind.RESTART


class SourceChangedError(KnownError):
    """A topic was re-created while it was being read; a restarted process reads the new log from its beginning."""

    kind = Kind.RESTART


class FencedError(KnownError):
    """Another process now has what this one had; this one must end without changing anything."""

    kind = Kind.RESTART


class ClientBrokenError(KnownError):
    """A client of Kafka's stopped working for good; a new process gets a new one."""

    kind = Kind.RESTART
