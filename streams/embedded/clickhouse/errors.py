"""ClickHouse's exceptions: their codes, their HTTP statuses, and how a chDB error becomes one."""

import re

CANNOT_READ_ALL_DATA = 33
BAD_ARGUMENTS = 36
CHECKSUM_DOESNT_MATCH = 40
NUMBER_OF_ARGUMENTS_DOESNT_MATCH = 42
NOT_IMPLEMENTED = 48
SYNTAX_ERROR = 62
UNKNOWN_COMPRESSION_METHOD = 89
UNKNOWN_SETTING = 115
UNKNOWN_TYPE_OF_QUERY = 116
INTO_OUTFILE_NOT_ALLOWED = 134
TOO_LARGE_SIZE_COMPRESSED = 150
TIMEOUT_EXCEEDED = 159
READONLY = 164
TOO_MANY_SIMULTANEOUS_QUERIES = 202
SOCKET_TIMEOUT = 209
QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING = 216
QUERY_IS_TOO_LARGE = 229
ABORTED = 236
NOT_ENOUGH_SPACE = 243
CANNOT_DECOMPRESS = 271
TOO_MANY_BYTES = 307
INVALID_USAGE_OF_INPUT = 342
SESSION_NOT_FOUND = 372
SESSION_IS_LOCKED = 373
INVALID_SESSION_TIMEOUT = 374
QUERY_WAS_CANCELLED = 394
UNKNOWN_CODEC = 432
SETTING_CONSTRAINT_VIOLATION = 452
ACCESS_DENIED = 497
SET_NON_GRANTED_ROLE = 512
AUTHENTICATION_FAILED = 516
UNKNOWN_EXCEPTION = 1002

NAMES = {
    CANNOT_READ_ALL_DATA: "CANNOT_READ_ALL_DATA",
    BAD_ARGUMENTS: "BAD_ARGUMENTS",
    CHECKSUM_DOESNT_MATCH: "CHECKSUM_DOESNT_MATCH",
    NUMBER_OF_ARGUMENTS_DOESNT_MATCH: "NUMBER_OF_ARGUMENTS_DOESNT_MATCH",
    NOT_IMPLEMENTED: "NOT_IMPLEMENTED",
    SYNTAX_ERROR: "SYNTAX_ERROR",
    UNKNOWN_COMPRESSION_METHOD: "UNKNOWN_COMPRESSION_METHOD",
    UNKNOWN_SETTING: "UNKNOWN_SETTING",
    UNKNOWN_TYPE_OF_QUERY: "UNKNOWN_TYPE_OF_QUERY",
    INTO_OUTFILE_NOT_ALLOWED: "INTO_OUTFILE_NOT_ALLOWED",
    TOO_LARGE_SIZE_COMPRESSED: "TOO_LARGE_SIZE_COMPRESSED",
    TIMEOUT_EXCEEDED: "TIMEOUT_EXCEEDED",
    READONLY: "READONLY",
    TOO_MANY_SIMULTANEOUS_QUERIES: "TOO_MANY_SIMULTANEOUS_QUERIES",
    SOCKET_TIMEOUT: "SOCKET_TIMEOUT",
    QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING: "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
    QUERY_IS_TOO_LARGE: "QUERY_IS_TOO_LARGE",
    ABORTED: "ABORTED",
    NOT_ENOUGH_SPACE: "NOT_ENOUGH_SPACE",
    CANNOT_DECOMPRESS: "CANNOT_DECOMPRESS",
    TOO_MANY_BYTES: "TOO_MANY_BYTES",
    INVALID_USAGE_OF_INPUT: "INVALID_USAGE_OF_INPUT",
    SESSION_NOT_FOUND: "SESSION_NOT_FOUND",
    SESSION_IS_LOCKED: "SESSION_IS_LOCKED",
    INVALID_SESSION_TIMEOUT: "INVALID_SESSION_TIMEOUT",
    QUERY_WAS_CANCELLED: "QUERY_WAS_CANCELLED",
    UNKNOWN_CODEC: "UNKNOWN_CODEC",
    SETTING_CONSTRAINT_VIOLATION: "SETTING_CONSTRAINT_VIOLATION",
    ACCESS_DENIED: "ACCESS_DENIED",
    SET_NON_GRANTED_ROLE: "SET_NON_GRANTED_ROLE",
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
    UNKNOWN_EXCEPTION: "UNKNOWN_EXCEPTION",
}

# From ClickHouse's src/Server/HTTP/exceptionCodeToHTTPStatus.cpp, code by code. The two of 413 are ours: HTTP has a
# status for a body that is too large, but ClickHouse answers with a plain 500 or leaves it to a proxy.
_CODES_BY_STATUS = {
    400: (6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321, 376, 427, 441, 675, 676),
    401: (194,),
    403: (192, 193, 497, 512, 516),
    404: (46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511),
    408: (159,),
    411: (381,),
    413: (QUERY_IS_TOO_LARGE, TOO_MANY_BYTES),
    501: (48,),
    503: (76, 209, 439),
}
_STATUS = {code: status for status, codes in _CODES_BY_STATUS.items() for code in codes}

_CODE = re.compile(r"Code: (\d+)\.")


class ClickHouseError(Exception):
    """An exception as ClickHouse's HTTP interface sends it: `text` is the body, `code` its number."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        self.text = f"Code: {code}. DB::Exception: {message} ({NAMES.get(code, 'UNKNOWN_EXCEPTION')})"
        super().__init__(self.text)

    @property
    def status(self) -> int:
        """Return the HTTP status of ClickHouse's answer for this code."""
        return _STATUS.get(self.code, 500)

    @classmethod
    def of_engine(cls, error: Exception) -> "ClickHouseError":
        """Parse chDB's error: its text is ClickHouse's own, sometimes after a prefix."""
        text = str(error).strip()
        found = _CODE.search(text)
        if found is None:
            return cls(UNKNOWN_EXCEPTION, text or type(error).__name__)
        made = cls(int(found.group(1)), "")
        made.text = text[found.start() :]
        made.args = (made.text,)
        return made
