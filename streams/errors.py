"""Errors that more than one part of the project uses."""


class UserError(Exception):
    """A problem that users can fix; the text is one clear sentence that says how.

    The command line prints only that sentence and exits with 2. Any other error that ends a process is a defect and
    keeps its stack trace.
    """


class BrokerAwayError(UserError):
    """No broker answered in time; it may come back."""


class StateLostError(UserError):
    """The changelogs no longer hold enough to recover the state; going on would be guessing."""


class StalledError(Exception):
    """The process hangs although it has work; only a new process can go on."""


class DiskFullError(Exception):
    """The local store can't be written; once there is space, a restarted process goes on from the changelogs."""


class SourceChangedError(Exception):
    """A topic was re-created while it was being read; a restarted process reads the new log from its beginning."""


class FencedError(Exception):
    """Another process now has what this one had; this one must end without changing anything."""
