"""Asks ClickHouse questions for a person's command: patient while the server is busy, one sentence where it refuses."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from clickhouse_connect.driver.exceptions import ClickHouseError

from streams.clickhouse import errors
from streams.clickhouse.client import connect
from streams.clickhouse.errors import ClickHouseAwayError
from streams.errors import Kind, UserError
from streams.runtime.backoff import Backoff
from streams.settings import Settings

# How long a server may be busy, or restart, before the command gives up.
PATIENCE_SECONDS = 60.0
# Codes for a database or a table that doesn't exist.
MISSING = (60, 81)


class Asking:
    """A connection for reading. Queries may use `{db:Identifier}` (or `{db:String}`) for the settings' database."""

    def __init__(self, settings: Settings) -> None:
        """Raises UserError if the server is unreachable or refuses the login."""
        self._settings = settings
        self._client = connect(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def rows(self, query: str, settings: Mapping[str, Any] | None = None, **parameters: Any) -> list[tuple[Any, ...]]:
        """Return a query's rows. Raises ClickHouseAwayError after a minute without an answer, UserError if refused."""
        known = {"db": self._settings.clickhouse_database, **parameters}
        backoff, deadline = Backoff(), time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                found = self._client.query(query, parameters=known, settings=dict(settings or {}))
                return [tuple(row) for row in found.result_rows]
            except (ClickHouseError, OSError) as error:
                self._give_up(error, deadline)
                time.sleep(backoff.fail(time.monotonic()))

    def one(self, query: str, **parameters: Any) -> Any:
        """Return the only value of a query. Raises as `rows` does."""
        ((value,),) = self.rows(query, **parameters)
        return value

    def _give_up(self, error: Exception, deadline: float) -> None:
        """Raise the error's sentence, unless it is worth another try."""
        url, text, kind = self._settings.clickhouse_url, str(error).split("\n", 1)[0][:300], errors.kind(error)
        if errors.code(error) in MISSING:
            raise UserError(
                f"ClickHouse at {url} lacks what the database {self._settings.clickhouse_database} should have: run "
                f"`impressions provision`, which makes it. ({text})"
            ) from None
        if kind is Kind.REFUSE:
            raise UserError(f"ClickHouse at {url} refuses a query: {text}") from error
        if kind is Kind.DEFECT:
            raise error
        if time.monotonic() > deadline:
            raise ClickHouseAwayError(
                f"ClickHouse at {url} gave no answer for {PATIENCE_SECONDS:.0f} s: {text}. Run this again once it does."
            ) from None
