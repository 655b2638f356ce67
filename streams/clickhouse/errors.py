"""What an error of ClickHouse means: one answer for the sink, for provisioning and for rebuilding."""

from clickhouse_connect.driver.exceptions import Error

from streams.errors import Kind, KnownError, UserError

UNREACHABLE = "unreachable"
# A server that is up but can't do it now: timeouts, too many queries, network, memory, disk, read-only (no Keeper), too
# many parts, shutting down, Keeper, starting up; and of a quorum: too few replicas, an insert before it that not all
# have yet, a replica that lags, an answer that was lost.
_BUSY = frozenset({159, 160, 202, 209, 210, 241, 242, 243, 252, 285, 286, 289, 319, 394, 425, 999, 1001})
# What a person must change: a missing column, table or database, a schema of another shape, an account that is unknown,
# that the server refuses, that may only read or has no right to the table.
_REFUSED = frozenset({16, 47, 60, 81, 164, 192, 193, 194, 497, 516})


class ClickHouseAwayError(UserError):
    """No ClickHouse answers; it may come back."""

    kind = Kind.WAIT


def code(error: BaseException) -> int | None:
    """Return the server's error code; None if it didn't answer."""
    found = error.code if isinstance(error, Error) else None
    return int(found) if found is not None else None


def kind(error: BaseException) -> Kind:
    """Return what an error of a request to ClickHouse means. One that nobody knows is a defect of ours."""
    if isinstance(error, KnownError):
        return error.kind
    found = code(error)
    if found is None:
        # The HTTP client's own errors, and the operating system's: there was no answer.
        return Kind.WAIT if isinstance(error, (Error, OSError)) else Kind.DEFECT
    if found in _BUSY:
        return Kind.WAIT
    return Kind.REFUSE if found in _REFUSED else Kind.DEFECT
