"""Every case of the contract's rules runs on the worker's core and on the oracle, which share no code."""

import pytest

from tests.support.judging import Implementation, by_core, by_oracle


@pytest.fixture(params=[by_core, by_oracle], ids=["core", "oracle"])
def judge(request: pytest.FixtureRequest) -> Implementation:
    """The core or the oracle."""
    implementation: Implementation = request.param
    return implementation
