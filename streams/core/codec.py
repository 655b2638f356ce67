"""What the state's codecs share."""

from streams.errors import StateUnreadableError


class CodecError(StateUnreadableError):
    """A stored value has a codec version that this program can't read: a newer program wrote it."""

    def __init__(self, table: str, found: int, known: int) -> None:
        super().__init__(
            f"the {table} table holds codec version {found}, this program reads up to {known}: run the newer release."
        )
