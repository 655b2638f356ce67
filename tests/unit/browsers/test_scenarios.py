"""Scenarios: each says where it comes from and why it expects a loss; the quick ones are few."""

import pytest

from tests.browsers.scenario import ALL, CHROMIUM, Expects, Scenario, chosen, declare, load_all
from tests.browsers.visit import Visit

SCENARIOS = load_all()


def run(_: Visit) -> None:
    """Something happens."""


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_says_what_happens_and_where_it_comes_from(name: str) -> None:
    each = SCENARIOS[name]
    assert each.what.endswith(".")
    assert each.source
    assert each.group
    assert set(each.engines) <= set(ALL)


@pytest.mark.parametrize(
    "more", [{"expects": Expects(lost=1)}, {"engines": (CHROMIUM,)}, {"by_engine": {"webkit": Expects(1)}}]
)
def test_what_is_unusual_needs_a_reason(more: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must say why"):
        declare(Scenario("unusual", "test", "facts", run, **more))  # type: ignore[arg-type]


def test_no_two_have_one_name() -> None:
    with pytest.raises(ValueError, match="two scenarios"):
        declare(Scenario("tab closed", "test", "facts", run))


@pytest.mark.parametrize(
    ("expects", "lost", "double", "holds"),
    [
        (Expects(), 0, 0, True),
        (Expects(), 1, 0, False),
        (Expects(), 0, 1, False),
        (Expects(2), 2, 0, True),
        (Expects(2), 1, 0, False),
        (Expects(0, lost_most=3), 3, 0, True),
        (Expects(0, lost_most=3), 4, 0, False),
        (Expects(1, lost_most=3), 0, 0, False),
    ],
)
def test_expectations(expects: Expects, lost: int, double: int, holds: bool) -> None:
    assert expects.holds(lost, double) is holds


def test_some_are_chosen_by_engine_subject_group_and_quick() -> None:
    one = Scenario("one", "exit", "facts", run, quick=True)
    ours = Scenario("ours", "life", "facts", run, subjects=("recorder",))
    only = Scenario("only", "life", "facts", run, engines=(CHROMIUM,))
    all_of_them = [one, ours, only]
    assert chosen(all_of_them, CHROMIUM, "recorder") == all_of_them
    assert chosen(all_of_them, "webkit", "recorder") == [one, ours]
    assert chosen(all_of_them, CHROMIUM, "control") == [one, only]
    assert chosen(all_of_them, CHROMIUM, "recorder", groups=["life"]) == [ours, only]
    assert chosen(all_of_them, CHROMIUM, "recorder", quick=True) == [one]
