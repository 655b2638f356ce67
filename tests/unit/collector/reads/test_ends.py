"""Whether a reader has all: by the ends that were asked for, and what was read since."""

from streams.collector.reads.ends import Ends


def test_nothing_is_reached_before_an_end_of_each_log_is_known() -> None:
    ends = Ends(["p", "q"])
    assert not ends.reached()
    ends.ask({"p": 0}, 1.0)
    assert not ends.reached()
    ends.ask({"q": 0}, 2.0)
    assert ends.reached()


def test_it_is_behind_since_the_first_question_whose_ends_it_has_not_reached() -> None:
    ends = Ends(["p"])
    ends.ask({"p": 10}, 5.0)
    assert ends.behind_seconds(7.0) == 2.0
    ends.ask({"p": 20}, 6.0)
    assert ends.behind_seconds(7.0) == 2.0
    ends.read({"p": 9})
    assert ends.behind_seconds(8.0) == 3.0
    ends.read({"p": 10})
    assert ends.behind_seconds(9.0) == 0.0
    assert ends.reached()
    ends.ask({"p": 20}, 9.0)
    assert ends.behind_seconds(9.5) == 0.5


def test_without_an_answer_of_the_brokers_it_is_no_further_behind() -> None:
    ends = Ends(["p"])
    ends.ask({"p": 1}, 1.0)
    ends.read({"p": 1})
    ends.ask({}, 2.0)
    assert ends.behind_seconds(100.0) == 0.0
    assert ends.reached()


def test_what_was_read_never_goes_back() -> None:
    ends = Ends(["p"])
    ends.read({"p": 10})
    ends.read({"p": 3})
    ends.ask({"p": 10}, 1.0)
    assert ends.behind_seconds(2.0) == 0.0
