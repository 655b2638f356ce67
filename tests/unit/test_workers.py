"""How tests are distributed over workers."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.workers import group, place

MATRIX = "tests/faults/test_matrix.py::test_nothing_lost_nothing_twice"


@pytest.mark.parametrize(
    ("nodeid", "expected"),
    [
        ("tests/engine/test_views.py::test_a", "tests/engine/test_views.py"),
        ("tests/engine/test_views.py::test_a[system 1: x::y]", "tests/engine/test_views.py"),
        (f"{MATRIX}[system 1: worker killed]", "tests/faults/test_matrix.py system 1"),
        (f"{MATRIX}_alone[disk full]", f"{MATRIX}_alone[disk full]"),
        ("tests/faults/test_controls.py::test_a", "tests/faults/test_controls.py::test_a"),
        ("tests/faults/test_collector_controls.py::test_a", "tests/faults/test_collector_controls.py"),
    ],
)
def test_tests_that_share_a_fixture_form_a_group(nodeid: str, expected: str) -> None:
    assert group(nodeid) == expected


def test_the_longest_start_first_and_those_that_wait_for_a_build_start_after_other_services() -> None:
    paths = ("faults/test_matrix.py", "integration/test_sink.py", "engine/test_views.py", "contract/test_state.py")
    places = [place(Path(path)) for path in (*paths, "integration/test_preview.py", "unit/test_cli.py")]
    assert all(one < other for one, other in pairwise(places))
