"""Programs of Debian's packages, for tests that hold our files against what reads them."""

import pytest

from dashboards import debian
from streams.errors import UserError


def program(name: str, package: str) -> str:
    """Return the path of a program. The test is skipped where there is no apt-get: it is no prerequisite."""
    try:
        return debian.program(name, package)
    except debian.MissingToolsError as error:
        pytest.skip(str(error))
    except UserError as error:
        pytest.fail(str(error))
