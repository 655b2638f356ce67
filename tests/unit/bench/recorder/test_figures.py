"""What is made of the measurements: the price of a flush between two sizes, cells of the model, users of a test."""

import pytest

from bench.recorder.mix import browser_cpu, price
from bench.recorder.model import cell
from bench.recorder.power import Question, share
from bench.recorder.servers import of_flush
from bench.recorder.settings import Setting
from bench.recorder.viewers import GALLERY, Session

SIZES = {"1": {"both": 2.0}, "5": {"both": 4.0}, "10": {"both": 5.0}}


@pytest.mark.parametrize(("impressions", "cost"), [(1, 2.0), (3, 3.0), (5, 4.0), (6, 4.2), (10, 5.0), (20, 7.0)])
def test_a_price_lies_between_those_of_the_sizes_beside_it(impressions: int, cost: float) -> None:
    assert price(SIZES, "both", impressions) == pytest.approx(cost)


def test_the_browser_pays_for_each_request() -> None:
    assert browser_cpu({"live": {"1": 2.0, "5": 1.0}, "exits": {"1": 0.5}}, SIZES, "both") == pytest.approx(9.0)


def test_a_cell_counts_requests_bytes_and_risk() -> None:
    visits = [Session((1.0,) * 6, (), 1.5), Session((1.0, 1.0, 8.0), (), 20.0)]
    found = cell(Setting(200, 5.0), GALLERY, visits)
    figures = found.figures()
    assert (found.impressions, found.requests, found.at_risk) == (9, 4, [6, 0])
    assert (dict(found.live), dict(found.exits)) == ({2: 1, 1: 1}, {6: 2})
    assert figures["at_risk_exits"] == 0.5
    assert figures["raw_bytes"] == found.raw_bytes / 0.09
    assert figures["requests_a_session"] == 2.0


def test_servers_are_told_over_all_batches() -> None:
    cpu = {"50 x 5 s": {"worker": [1.0, 3.0]}, "100 x 5 s": {"worker": [2.0]}, "50 x 0.5 s": {"worker": [9.0]}}
    assert of_flush(cpu, 5.0) == {"worker": (1.0, 2.0, 3.0)}


def test_the_users_of_a_test_are_the_textbook_number() -> None:
    # Two means, a difference of half a standard deviation: 63 an arm (Cohen's d of 0.5, 80 %, two-sided 5 %).
    assert Question("", 0.0, 1.0, 0.5).users == 63
    # Two shares, 10 % and 8 %, by the variance of the former.
    assert share("", 0.10, 0.02).users == 3532
