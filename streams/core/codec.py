"""What the state's codecs share."""


class CodecError(Exception):
    """A stored value has another codec version than this program reads: it was written by a newer one."""

    def __init__(self, table: str, found: int, known: int) -> None:
        super().__init__(f"the {table} table holds codec version {found}, this program reads {known}")
