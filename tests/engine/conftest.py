"""A database for each test of a file, in the file's own `engine`."""

import itertools
from collections.abc import Iterator

import pytest

from tests.support.clickhouse import Engine
from tests.support.database import Database, migrated


@pytest.fixture(scope="module")
def names(request: pytest.FixtureRequest) -> Iterator[str]:
    """Names that no other test of the engine uses."""
    file = request.module.__name__.rpartition(".")[2]
    return (f"{file}_{number}" for number in itertools.count())


@pytest.fixture
def db(engine: Engine, names: Iterator[str]) -> Database:
    """An empty database with all migrations."""
    return migrated(engine, next(names))
