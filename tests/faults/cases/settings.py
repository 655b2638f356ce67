"""Settings change between two runs of the workers."""

from random import Random

from tests.faults.case import Fault, case
from tests.faults.operate import refuse, refused_worker
from tests.faults.system import System
from tests.support.load import HOUR_MS, Raw, at_home, flush, impression, now_ms, produce, user_at

WORKER = "worker-0"
DAY_SECONDS = 86_400
DAY_MS = DAY_SECONDS * 1000
MINUTE_MS = 60_000
# Users in each partition, for flushes that a case is about.
EACH = 3


@case("lateness raised", Fault.SETTINGS_CHANGED, calm=True)
def raised(system: System, rng: Random) -> None:
    """From a day to ten, and back, once windows of three days ago are swept: what was late stays late."""
    now, usual = now_ms(), system.settings.lateness_seconds
    old, recent = now - 3 * DAY_MS, now - 20 * HOUR_MS
    users = [user_at(partition, f"raised{now}-{n}") for partition in range(4) for n in range(EACH)]
    first = [_flush(user, ("a0001", old), ("a0002", old), ("a0003", recent)) for user in users]
    # Late, fresh however late it is, late, too near to another one of its artwork.
    again = [
        _flush(user, ("a0001", old + 1), ("a0004", old), ("a0002", old + 20 * MINUTE_MS), ("a0003", recent + 1))
        for user in users
    ]
    _settle(system, rng, first)
    _settle(system, rng, first)
    system.change_lateness(10 * DAY_SECONDS)
    _settle(system, rng, first)
    _settle(system, rng, again)
    system.change_lateness(usual)
    _settle(system, rng, again)


@case("lateness lowered", Fault.SETTINGS_CHANGED, own=True, calm=True)
def lowered(system: System, rng: Random) -> None:
    """From a day to two hours: what users saw before that, and see reported again, is late from then on."""
    with system.traffic(rng, users="returning"):
        system.works(200)
    system.change_lateness(2 * HOUR_MS // 1000)
    with system.traffic(rng, users="returning"):
        system.works(200)


@case("larger and smaller chunks", Fault.SETTINGS_CHANGED)
def chunks(system: System, rng: Random) -> None:
    """IMPRESSIONS_CHUNK_RECORDS changes between restarts under load: 1, 10,000, 7, and back."""
    for records in (1, 10_000, 7):
        system.replace(WORKER, chunk_records=records)
        system.works(40)
    system.replace(WORKER)


@case("another window is configured", Fault.SETTINGS_CHANGED, calm=True)
def window_refused(system: System, rng: Random) -> None:
    """A worker, `provision` and `rebuild` with another dedupe window refuse with a sentence, and write nothing."""
    with system.traffic(rng):
        system.works()
    system.catch_up()
    before = system.ends()
    with system.keeper.held(WORKER):
        system.keeper.kill(WORKER)
        for seconds in (300, 1200):
            assert "window" in refused_worker(system, dedupe_window_seconds=seconds)
        assert "window" in refuse(system, "provision", dedupe_window_seconds=300)
        system.wait_no_members("impressions")
        assert "window" in refuse(system, "rebuild", dedupe_window_seconds=300)
    assert system.ends() == before
    with system.traffic(rng):
        system.works()


def _flush(user: str, *seen: tuple[str, int]) -> Raw:
    return at_home(user, flush(user, [impression(artwork_id, seen_at) for artwork_id, seen_at in seen]))


def _settle(system: System, rng: Random, records: list[Raw]) -> None:
    """Produce the records in a load that makes every partition sweep; return once all of it has arrived."""
    with system.traffic(rng):
        produce(system.settings, records)
    system.catch_up()
