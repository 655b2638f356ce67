"""The one error that is written for the person at the terminal."""


class UserError(Exception):
    """Something the user can mend; the text is one clear sentence that says how.

    The command line prints the sentence alone and exits with 2. Anything else that ends a process is a
    defect and keeps its stack trace.
    """
