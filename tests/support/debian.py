"""Programs from Debian packages, for tests that check the project's files with the programs that read them."""

import pytest

from dashboards import debian
from streams.errors import UserError


def program(name: str, package: str) -> str:
    """Return a program's path. Skips the test where there is no apt-get: it is not a prerequisite."""
    try:
        return debian.program(name, package)
    except debian.MissingToolsError as error:
        pytest.skip(str(error))
    except UserError as error:
        pytest.fail(str(error))
