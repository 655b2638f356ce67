"""Every fault that the plan injects is named in the summary, once."""

import pytest

from demo.faults import FAULTS, KILLED, UNCOUNTED, counted
from tests.support.imaginary_play import plan_of


@pytest.mark.parametrize("seed", [1, 2])
def test_every_kind_of_a_plan_is_counted_in_one_row(seed: int) -> None:
    injected = plan_of(seed).injected
    for kind in injected:
        rows = [fault.name for fault in FAULTS if kind.startswith(fault.kinds)]
        assert len(rows) == (0 if kind in UNCOUNTED else 1), (kind, rows)
    rest = sum(injected[kind] for kind in UNCOUNTED)
    assert sum(number for _, number, _ in counted(injected, 0)) == injected.total() - rest


def test_no_row_is_empty() -> None:
    assert all(number for _, number, _ in counted(plan_of(1).injected, 0))


def test_kinds_and_kills_are_named_if_there_are_any() -> None:
    rows = counted({"malformed: a": 1, "malformed: b": 2}, 3)
    assert ("not JSON: 2 kinds", 3, "rejected: malformed") in rows
    assert rows[-1] == (KILLED.name, 3, KILLED.outcome)
    assert KILLED.name not in {name for name, _, _ in counted({}, 0)}
