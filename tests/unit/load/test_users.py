"""No user loses or doubles an impression, whatever the collector does; and one that cheats is found out."""

import asyncio
from pathlib import Path

import orjson
import pytest
import uvloop

from load.users.crowd import Crowd, CrowdError
from load.users.ledger import Ledger
from load.users.plan import Patience
from tests.support.collector_double import CollectorDouble, Fault
from tests.support.crowds import plan, play, verdict


def every(nth: int, fault: Fault) -> "CollectorDouble":
    """A double that treats each nth request like this, from the first on."""
    return CollectorDouble(lambda number: fault if number % nth == 0 else Fault.NONE)


HARMLESS = [each for each in Fault if each not in (Fault.FORGET, Fault.REFUSE, Fault.MISCOUNT)]


@pytest.mark.parametrize("fault", HARMLESS, ids=lambda fault: fault.name.lower())
def test_nothing_is_lost_or_doubled(tmp_path: Path, fault: Fault) -> None:
    double, of = every(3, fault), plan(tmp_path / "s")
    ledger = play(double, of)
    found = verdict(double, of, ledger)
    assert found.right, found
    assert found.recorded == of.impressions
    assert found.expected == sum(each.first for each in ledger.impressions()) < of.impressions
    assert ledger.happened["answer with other numbers"] == 0


def test_all_faults_together(tmp_path: Path) -> None:
    double = CollectorDouble(lambda number: HARMLESS[number * 7 % len(HARMLESS)])
    of = plan(tmp_path / "s", impressions=2_000, users=50)
    ledger = play(double, of)
    found = verdict(double, of, ledger)
    assert found.right, found
    assert found.lines_again > 0
    assert {"202", "429", "503"} <= ledger.statuses.keys()
    assert ledger.happened["timed out"] > 0
    assert ledger.happened["lost"] > 0


def test_a_collector_that_dies_again_and_again(tmp_path: Path) -> None:
    async def kill(double: CollectorDouble, crowd: Crowd) -> None:
        for _ in range(3):
            stored = len(double.lines)
            while len(double.lines) < stored + 10:
                await asyncio.sleep(0.001)
            await double.die()
            (tmp_path / "s").unlink(missing_ok=True)
            missed = crowd.ledger.happened["not connected"]
            while crowd.ledger.happened["not connected"] == missed:
                await asyncio.sleep(0.001)
            await double.start(tmp_path / "s")

    double, of = CollectorDouble(ack_seconds=0.005), plan(tmp_path / "s", impressions=1_000)
    ledger = play(double, of, kill)
    assert verdict(double, of, ledger).right
    assert ledger.happened["lost"] > 0
    assert ledger.happened["not connected"] > 0


def test_a_collector_that_forgets_is_found_out(tmp_path: Path) -> None:
    double, of = every(10, Fault.FORGET), plan(tmp_path / "s", doubles=0, repeats=0)
    found = verdict(double, of, play(double, of))
    assert not found.right
    assert found.lost > 0
    assert found.lines_lost > 0
    assert found.unacknowledged == found.double == found.strange == 0


def test_what_a_collector_refuses_is_not_sent_again_and_named(tmp_path: Path) -> None:
    double, of = every(10, Fault.REFUSE), plan(tmp_path / "s", doubles=0)
    ledger = play(double, of)
    found = verdict(double, of, ledger)
    assert not found.right
    assert found.unacknowledged > 0
    assert found.lost == 0
    assert len(double.requests) == len({*double.requests})
    assert ledger.statuses["400"] > 0


def test_an_answer_with_other_numbers_is_counted(tmp_path: Path) -> None:
    double, of = every(1, Fault.MISCOUNT), plan(tmp_path / "s")
    ledger = play(double, of)
    assert ledger.happened["answer with other numbers"] == ledger.statuses["202"]


def test_one_request_of_a_user_is_in_flight_and_retries_have_the_same_bytes(tmp_path: Path) -> None:
    double = CollectorDouble(lambda number: Fault.STORED_AND_RESET if number % 2 else Fault.NONE, ack_seconds=0.002)
    of = plan(tmp_path / "s")
    ledger = play(double, of)
    assert set(double.most_in_flight.values()) == {1}
    by_flush: dict[str, set[bytes]] = {}
    for line in double.lines:
        by_flush.setdefault(orjson.loads(line)["flush_id"], set()).add(line)
    assert len(double.lines) > len(by_flush) == ledger.flushed
    assert all(len(lines) == 1 for lines in by_flush.values())
    assert {each.flush_id for each in ledger.flushes()} == by_flush.keys()


def test_only_repeats_show_a_user_an_artwork_again(tmp_path: Path) -> None:
    double, of = CollectorDouble(), plan(tmp_path / "s", repeats=0, doubles=0)
    ledger = play(double, of)
    seen = [(each.user, each.artwork) for each in ledger.impressions()]
    assert len(seen) == len({*seen}) == of.impressions
    assert all(each.first for each in ledger.impressions())


def test_what_is_seen_and_due_does_not_depend_on_the_server(tmp_path: Path) -> None:
    """An open loop: a collector that hangs at first changes no time, and latencies count from when a flush was due."""
    of = plan(tmp_path / "s", repeats=0, doubles=0, users=1, batch=1_000, artworks=997)
    slow = CollectorDouble(lambda number: Fault.HANGS if number == 0 else Fault.NONE)
    at_once, hung = play(CollectorDouble(), of), play(slow, of)

    def times(ledger: Ledger) -> list[float]:
        seen = [each.seen_at for each in ledger.impressions()]
        return [at - seen[0] for at in seen]

    assert max(abs(one - other) for one, other in zip(times(at_once), times(hung), strict=True)) <= 2
    assert abs(at_once.flushed - hung.flushed) <= 1
    waited = [each.acked - each.due for each in hung.flushes()]
    assert waited[0] > of.patience.request
    assert waited[1] > of.patience.request / 2, "it waited behind the one that hung"


def test_the_times_end_with_the_plan_and_each_timer_is_kept(tmp_path: Path) -> None:
    of = plan(tmp_path / "s", batch=1_000, flush_seconds=0.05)
    ledger = play(CollectorDouble(), of)
    seen = list(ledger.impressions())
    assert max(each.seen_at for each in seen) - min(each.seen_at for each in seen) <= of.seconds * 1000
    first: dict[int, int] = {}
    for each in seen:
        first.setdefault(each.flush, each.seen_at)
    for row, flush in enumerate(ledger.flushes()):
        assert flush.due * 1000 - first[row] == pytest.approx(50, abs=1.1)


def test_stop_ends_what_is_seen_and_sends_the_rest(tmp_path: Path) -> None:
    async def stop(double: CollectorDouble, crowd: Crowd) -> None:
        while not double.lines:
            await asyncio.sleep(0.001)
        crowd.stop()

    double, of = CollectorDouble(), plan(tmp_path / "s", seconds=60.0, impressions=10_000)
    ledger = play(double, of, stop)
    assert 0 < ledger.recorded < 10_000
    assert verdict(double, of, ledger).right


def test_patience_ends_and_what_is_left_is_named(tmp_path: Path) -> None:
    double = CollectorDouble(lambda number: Fault.UNAVAILABLE_SILENT)
    of = plan(tmp_path / "s", patience=Patience(first_backoff=0.01, drain=0.2))
    ledger = play(double, of)
    found = verdict(double, of, ledger)
    assert found.unacknowledged == found.recorded == of.impressions
    assert not found.right


def test_nobody_there_is_one_sentence(tmp_path: Path) -> None:
    async def alone() -> None:
        await Crowd(plan(tmp_path / "nobody"), tell=lambda told: None).run()

    with pytest.raises(CrowdError, match="Nothing answers at unix:"):
        uvloop.run(alone())


def test_a_catalogue_that_is_too_small_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="has seen all 3 artworks"):
        play(CollectorDouble(), plan(tmp_path / "s", artworks=3, users=1))


def test_the_ledger_is_the_same_after_a_file(tmp_path: Path) -> None:
    ledger = play(CollectorDouble(), plan(tmp_path / "s"))
    ledger.write(tmp_path / "folder" / "ledger")
    again = ledger.read(tmp_path / "folder" / "ledger")
    assert list(again.impressions()) == list(ledger.impressions())
    assert list(again.flushes()) == list(ledger.flushes())
    assert (again.statuses, again.happened, again.watched) == (ledger.statuses, ledger.happened, ledger.watched)
