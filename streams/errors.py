"""Errors that more than one part of the project knows."""


class UserError(Exception):
    """Something the user can mend; the text is one clear sentence that says how.

    The command line prints the sentence alone and exits with 2. Anything else that ends a process is a
    defect and keeps its stack trace.
    """


class BrokerAwayError(UserError):
    """No broker answers, or not in time; it may come back."""


class StateLostError(UserError):
    """The state can't be recovered from what is left of the changelogs; going on would be guessing."""


class StalledError(Exception):
    """The process stands still although it has work; only a new one can go on."""


class DiskFullError(Exception):
    """The local store can't be written; a restart goes on from the changelogs once there is space."""


class SourceChangedError(Exception):
    """A topic is another log than the one that was being read; a restart takes it up from its beginning."""


class FencedError(Exception):
    """Another process holds now what this one held; it must end without touching anything."""
