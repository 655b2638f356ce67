"""What is computed from two looks at the processes: rates, shares, latencies, lag, pools and problems."""

import re
import time
from pathlib import Path

import pytest

from streams.metrics import catalogue as metrics
from streams.top import figures as module
from streams.top.figures import Figures, PoolFigures, Watch
from streams.top.target import Answer
from tests.support.expositions import answer, sink, worker
from tools import metrics_page


def watched(*rounds: list[Answer]) -> Figures:
    """The figures after so many looks."""
    watch = Watch()
    for each in rounds[:-1]:
        watch.figures(each)
    return watch.figures(rounds[-1])


def test_the_first_look_has_totals_and_no_rates() -> None:
    seen = watched([answer("worker-0", 0, worker(1_000)), answer("sink-0", 0, sink(500))])
    assert seen.received == (None, 1_000)
    assert seen.outcomes["duplicate"] == (None, 100)
    assert (seen.decided, seen.readable, seen.errors) == ((None, None), (None, None), None)
    assert seen.answered == 2
    assert seen.problems == []


def test_rates_shares_and_latencies_of_all_workers_together() -> None:
    seen = watched(
        [answer("worker-0", 0, worker(1_000)), answer("worker-1", 0, worker(0)), answer("sink-0", 0, sink(500))],
        [answer("worker-0", 2, worker(3_000)), answer("worker-1", 2, worker(400)), answer("sink-0", 2, sink(700))],
    )
    assert seen.received == (1_200, 3_400)
    assert seen.outcomes["duplicate"] == pytest.approx((120, 340))
    assert seen.reasons == {"late": pytest.approx(12)}
    assert seen.decided == pytest.approx((0.1, 0.91))
    assert [process.rate for process in seen.processes] == [1_000, 200, 100]
    assert seen.processes[0].cpu == pytest.approx(1.0)
    assert seen.errors == 0
    assert list(seen.history) == [1_200]


def test_rates_are_those_of_the_last_ten_seconds() -> None:
    rounds = [[answer("worker-0", at, worker(1_000 + 10 * at if at <= 100 else 2_000))] for at in range(0, 122, 2)]
    seen = watched(*rounds)
    assert seen.received[0] == 0
    assert 10 <= seen.seconds < 13
    assert len(seen.history) == module.HISTORY


def test_a_worker_that_began_again_has_no_negative_rate() -> None:
    seen = watched([answer("worker-0", 0, worker(9_000))], [answer("worker-0", 2, worker(50))])
    assert seen.received == (25, 50)


def test_a_process_that_was_away_in_between_is_no_error() -> None:
    away = answer("worker-0", 2, None, "nothing listens there")
    seen = watched([answer("worker-0", 0, worker(10))], [away], [answer("worker-0", 4, worker(20))])
    assert seen.received == (2.5, 20)
    assert watched([away], [away]).received == (None, 0)


def test_the_lag_of_each_partition_is_that_of_its_worst_topic() -> None:
    parts = watched([answer("worker-0", 0, worker(1)), answer("sink-0", 0, sink(1))]).parts
    assert [part.number for part in parts] == ["0", "1", "2", "3"]
    assert (parts[2].worker, parts[2].sink, parts[3].sink) == ((20, 1.0), (9, 75.0), None)
    assert [part.behind for part in parts] == [0, 0.5, 75, 1.5]


def test_pools_have_their_artworks_from_the_worker_and_their_users_from_the_sink() -> None:
    (pool,) = watched([answer("worker-0", 0, worker(1)), answer("sink-0", 0, sink(1))]).pools
    assert pool == PoolFigures("main", 80, 400, 300, 0.25, 0.02)
    (alone,) = watched([answer("worker-0", 0, worker(1))]).pools
    assert (alone.artworks, alone.users, alone.coverage) == (80, None, None)


PROBLEMS = [
    ("worker-0", {"impressions_worker_stalled": 2}, "stalled in 2 partitions"),
    ("worker-0", {"impressions_broker_away_seconds": 42}, "no Kafka broker has answered for 42 s"),
    ("worker-0", {'impressions_source_unreadable_seconds{partition="1"}': 60}, "open transaction"),
    ("worker-0", {"impressions_worker_lost_records_total": 5}, "5 records were deleted by retention"),
    ("worker-0", {"impressions_worker_poisoned_lines_total": 1}, "1 lines were given up on"),
    ("worker-0", {"impressions_uncatalogued_artworks": 12}, "12 artworks are shown that nobody has catalogued"),
    ("worker-0", {"impressions_catalogue_refused_total": 3}, "3 records of the catalogue were refused"),
    ("sink-0", {"impressions_sink_waiting": 1}, "waits for ClickHouse"),
    ("sink-0", {'impressions_sink_partition_refused{topic="t",partition="0"}': 1}, "until a person has looked"),
    ("sink-0", {'impressions_sink_errors_total{code="241"}': 4}, r"4 requests to ClickHouse failed just now \(241\)"),
    ("sink-0", {'impressions_kafka_partitions{state="under_min_isr"}': 2}, "2 partitions are under min isr"),
    ("sink-0", {"impressions_kpi_duplicates_seen": 1}, "readers see 1 duplicates"),
    ("sink-0", {"impressions_kpi_unbalanced_lines": 1}, "1 lines of the ledger don't balance"),
]


@pytest.mark.parametrize(("name", "more", "sentence"), PROBLEMS)
def test_a_problem_is_a_sentence_that_names_the_process(name: str, more: dict[str, float], sentence: str) -> None:
    made = worker if name.startswith("worker") else sink
    (found,) = watched([answer(name, 0, made(10))], [answer(name, 2, made(20) | more)]).problems
    assert re.search(sentence, found)
    assert found.endswith(".")
    assert found.startswith((name, "Kafka", "ClickHouse"))


def test_figures_of_pools_that_are_no_longer_computed_are_a_problem() -> None:
    old = {"impressions_kpi_computed_timestamp_seconds": time.time() - 600}
    (found,) = watched([answer("sink-0", 0, sink(10) | old)]).problems
    assert found == "ClickHouse: the figures of pools are 10 minutes old."


def test_a_process_that_is_away_or_not_ready_says_why() -> None:
    seen = watched(
        [answer("sink-0", 0, None, "nothing listens there"), answer("worker-0", 0, worker(1), not_ready="a. b.")]
    )
    assert seen.problems == [
        "sink-0 can't be reached at 127.0.0.1:9101: nothing listens there.",
        "worker-0: not ready: a. b.",
    ]
    assert [process.state for process in seen.processes] == ["no answer", "not ready"]
    assert seen.answered == 1


def test_a_clickhouse_that_hangs_is_a_problem_before_the_sink_itself_says_so() -> None:
    looks = [[answer("sink-0", at, sink(10))] for at in (0, 5, 10)]
    assert watched(*looks[:2]).problems == []
    assert watched(*looks).problems == ["sink-0: ClickHouse took no rows for 10 s, although there were some."]
    assert watched(*looks[:2], [answer("sink-0", 10, sink(11))]).problems == []


def test_a_worker_that_decides_nothing_although_records_wait_is_a_problem() -> None:
    looks = [[answer("worker-0", at, worker(10))] for at in (0, 5, 10)]
    assert watched(*looks).problems == ["worker-0: no line was decided for 10 s, although there were some."]
    idle = {f'impressions_worker_lag_seconds{{partition="{number}"}}': 0.0 for number in range(4)}
    assert watched(*([answer("worker-0", at, worker(10) | idle)] for at in (0, 5, 10))).problems == []


def test_every_metric_that_is_read_is_one_that_is_exported() -> None:
    folder = Path(module.__file__).parent
    read = {name for path in folder.glob("*.py") for name in re.findall(r'"(impressions_\w+)"', path.read_text())}
    exported = {metrics_page.exported(each) for each in metrics.catalogue().values()}
    assert len(read) > 20
    assert read <= exported
