"""The demo's plan, played into an imaginary broker and judged: it has every fault, and each has its effect."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from hashlib import sha256
from random import Random

import pytest

from demo.plan.drafts import Draft
from demo.plan.events import SPAN_MS, load_events
from demo.plan.faults_lines import invalid_flushes, invalid_impressions, malformed_values, odd_values, oversize_lines
from demo.plan.plan import Plan
from demo.plan.sending import CLIENTS, LARGEST_FLUSH
from impression_streams.encode import check_flush, flush_json
from impression_streams.options import CLIENT
from oracle.judge import Judge
from oracle.rows import Accepted, LedgerRow
from oracle.rules import Record, lines_of
from tests.support.against_oracle import judged
from tests.support.imaginary_play import NOW, RULES, Result, plan_of, result_of


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(1)


@pytest.fixture(scope="module")
def result(plan: Plan) -> Result:
    return result_of(plan)


def test_the_real_log_is_complete_and_ends_now() -> None:
    events = load_events(NOW)
    assert len(events) == 10_000
    assert (events[0].seen_at, events[-1].seen_at) == (NOW - SPAN_MS, NOW)
    assert len({event.artwork_id for event in events}) == 80


def test_the_same_seed_makes_the_same_plan_and_another_seed_a_different_one(plan: Plan) -> None:
    assert plan_of(1) == plan
    assert plan_of(2).steps != plan.steps


def test_every_line_of_the_plan_balances(result: Result) -> None:
    for row in result.ledger:
        assert row.received == row.accepted + row.duplicates + row.rejected + row.forwarded


def test_every_injected_wrong_line_is_rejected_for_its_reason(plan: Plan, result: Result) -> None:
    whole = Counter(row.reason for row in result.rejected if row.idx == -1)
    kinds = Counter(kind.partition(":")[0] for kind in plan.injected)
    assert kinds["malformed"] == 17
    # Retries of a wrong line add to the injected ones.
    assert whole["malformed"] >= kinds["malformed"] + plan.injected["broken line in a packed record"]
    assert whole["oversize"] >= kinds["oversize"] == 2
    assert whole["invalid"] >= kinds["invalid flush"] == 18


def test_every_injected_wrong_impression_is_rejected_for_its_reason(plan: Plan, result: Result) -> None:
    single = Counter(row.reason for row in result.rejected if row.idx >= 0)
    assert single["invalid"] >= sum(kind.startswith("invalid impression") for kind in plan.injected) == 22
    assert single["future"] >= plan.injected["an hour ahead"] > 10
    # Sometimes the first impression was moved itself, or has not arrived yet; most are rejected.
    assert single["late"] > plan.injected["30 h old, seen before"] // 2 > 10


def test_misrouted_lines_are_forwarded(plan: Plan, result: Result) -> None:
    sent_on = sum(1 for row in result.ledger if row.forwarded)
    assert plan.injected["record in a wrong partition"] > 10
    assert plan.injected["packed line in a wrong partition"] > 10
    assert sent_on > plan.injected["record in a wrong partition"]


def test_the_window_is_exact_at_minus_1_0_and_plus_1_ms(result: Result) -> None:
    accepted = Counter(row.user_id for row in result.accepted if row.user_id.startswith("edge-"))
    assert len(accepted) == 18
    for user_id, number in accepted.items():
        assert number == (1 if user_id.startswith("edge-0") else 2), user_id


def test_repeats_make_duplicates(plan: Plan, result: Result) -> None:
    duplicates = sum(row.duplicates for row in result.ledger)
    again = plan.injected["double fire, same flush"] + plan.injected["double fire, other flush"]
    assert duplicates > again + plan.injected["second tab, impressions"]
    retries = sum(number for kind, number in plan.injected.items() if kind.startswith("retry"))
    assert retries == pytest.approx(len(result.ledger) / 11, rel=0.1)


def test_the_catalogue_refuses_what_it_must_and_moves_what_moved(plan: Plan, result: Result) -> None:
    assert result.refused == plan.injected["catalogue record to refuse"]
    assert len(result.artworks) == 80 - plan.injected["artwork never learned"]
    assert sum(artwork.retired for artwork in result.artworks) == 2
    assert sum(artwork.pool_id == "extra" and int(artwork.artwork_id[1:]) % 5 != 0 for artwork in result.artworks) == 1
    assert {row.pool_id for row in result.coverage} == {"main", "extra"}


def test_no_record_is_larger_than_the_broker_accepts(plan: Plan) -> None:
    assert max(len(step.value or b"") for step in plan.steps) < 4 * 1024 * 1024


def test_a_good_flush_has_exactly_the_bytes_that_the_sdk_sends(plan: Plan) -> None:
    good = [step for step in plan.steps if step.good]
    assert len(good) > len(plan.steps) // 2
    for step in good:
        assert flush_json(check_flush(json.loads(step.value or b""))) == step.value


def shares(values: Iterable[str]) -> dict[str, float]:
    counted = Counter(values)
    return {value: number / counted.total() for value, number in counted.items()}


def of_users(rows: Iterable[LedgerRow | Accepted], name: str) -> dict[str, set[str]]:
    """Return the values of a field in each user's rows."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        found[row.user_id].add(str(getattr(row, name)))
    return found


@pytest.fixture(scope="module", params=[1, 2, 3])
def lines(request: pytest.FixtureRequest, result: Result) -> list[LedgerRow]:
    """Return the ledger of a seed, without the lines that were rejected whole, which have no fields."""
    found = result if request.param == 1 else result_of(plan_of(request.param))
    return [row for row in found.ledger if row.transport]


def test_every_transport_has_its_share(lines: list[LedgerRow]) -> None:
    found = shares(row.transport for row in lines)
    bounds = {
        "fetch": (0.5, 0.75),
        "beacon": (0.12, 0.25),
        "sdk": (0.02, 0.2),
        "keepalive": (0.02, 0.08),
        "replay": (0.01, 0.05),
        "sync": (0.002, 0.02),
    }
    assert found.keys() == bounds.keys()
    for transport, (least, most) in bounds.items():
        assert least < found[transport] < most, transport


def test_reasons_fit_their_transports(lines: list[LedgerRow]) -> None:
    reasons: dict[str, set[str]] = defaultdict(set)
    for row in lines:
        reasons[row.transport].add(row.reason)
    assert reasons["fetch"] == {"timer", "size"}
    assert reasons["beacon"] == reasons["keepalive"] == {"hidden", "pagehide"}
    assert reasons["sync"] == {"pagehide"}
    assert {"timer", "manual"} <= reasons["sdk"] <= {"timer", "size", "manual"}
    assert {"timer", "hidden"} <= reasons["replay"] <= {"timer", "size", "hidden", "pagehide"}


def test_a_flush_with_the_reason_size_is_usually_full(lines: list[LedgerRow]) -> None:
    full = [row.received for row in lines if row.reason == "size"]
    # Invalid or repeated impressions may have been added to it, and double fires send a part of it again.
    assert len(full) > 30
    assert sum(received >= LARGEST_FLUSH for received in full) > 0.7 * len(full)


def test_a_user_keeps_one_tier_and_one_variant(lines: list[LedgerRow]) -> None:
    tiers = of_users(lines, "tier")
    assert all(len(found) == 1 for found in tiers.values())
    assert 0.15 < shares(next(iter(found)) for found in tiers.values())["pro"] < 0.22
    assert 0.1 < shares(row.tier for row in lines)["pro"] < 0.4
    variants = of_users([row for row in lines if row.experiments], "experiments")
    assert all(len(found) == 1 for found in variants.values())
    assert {flush for found in variants.values() for flush in found} == {"{'flush': '2s'}", "{'flush': '5s'}"}
    assert sum(bool(row.experiments) for row in lines) > 0.9 * len(lines)


def test_a_user_keeps_one_browser_and_what_the_sdk_sends_is_its_own(lines: list[LedgerRow]) -> None:
    by_page = of_users([row for row in lines if row.transport not in ("", "sdk", "replay")], "client")
    assert all(len(found) == 1 for found in by_page.values())
    found = shares(row.client for row in lines)
    assert set(CLIENTS) | {CLIENT} == set(found)
    assert 0.25 < found["chrome-156"] < 0.6


def test_telemetry_shows_retries_and_queues(lines: list[LedgerRow]) -> None:
    told = [row for row in lines if row.attempts]
    assert 0.9 * len(lines) < len(told) < len(lines)
    assert all(row.failures == row.attempts - 1 for row in told)
    assert 0.01 < sum(row.failures for row in told) / sum(row.attempts for row in told) < 0.03
    assert {row.transport for row in told if row.failures} >= {"fetch", "sync", "replay"}
    replayed = [row for row in told if row.transport == "replay"]
    assert sum(row.queued > 0 for row in replayed) > 0.3 * len(replayed)
    assert {row.queued > 0 for row in told if row.failures and row.transport == "fetch"} == {True}
    assert all(row.queued == row.dropped == 0 for row in told if row.transport in ("beacon", "keepalive", "sync"))
    assert 0 < sum(row.dropped > 0 for row in told) < 0.01 * len(told)


def test_a_phone_that_was_offline_replays_its_queue_in_order(plan: Plan) -> None:
    replayed: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for step in plan.steps:
        if step.good:
            flush = json.loads(step.value or b"")
            if flush.get("transport") == "replay":
                assert step.at - flush["sent_at"] > 3_600_000
                # A double fire has the time of its original, and its own place in the queue.
                replayed[flush["session_id"]].append((flush["sent_at"], -flush["telemetry"]["queued"]))
    assert 10 < len(replayed) <= plan.injected["offline stretch"]
    for flushes in replayed.values():
        places = [place for _, place in sorted(flushes)]
        assert places == sorted(places)


@pytest.mark.parametrize("name", ["dwell_ms", "visible", "position", "surface", "session_id", "pool_id"])
def test_most_impressions_have_the_optional_fields(result: Result, name: str) -> None:
    said = [row for row in result.accepted if getattr(row, name) not in (None, "")]
    assert 0.95 * len(result.accepted) < len(said) < len(result.accepted)


def test_impressions_are_seen_on_several_surfaces(result: Result) -> None:
    found = shares(row.surface for row in result.accepted if row.surface)
    assert found.keys() == {"gallery", "detail", "search"}
    assert min(found.values()) > 0.05


def test_users_coverage_is_spread(result: Result) -> None:
    for pool_id in ("main", "extra"):
        tenths = Counter(int(10 * row.coverage) for row in result.coverage if row.pool_id == pool_id)
        assert len(tenths) >= 8
        assert max(tenths.values()) < 0.6 * tenths.total()


def test_every_reason_to_reject_occurs(result: Result) -> None:
    found = Counter(row.reason for row in result.rejected)
    assert found.keys() == {"malformed", "oversize", "invalid", "future", "late"}


def test_the_plan_has_exact_retries(plan: Plan) -> None:
    lines = Counter(line for step in plan.steps for line in lines_of(step.value) if len(line) > 100)
    retries = sum(number for kind, number in plan.injected.items() if kind.startswith("retry"))
    assert sum(number - 1 for number in lines.values()) == pytest.approx(retries, abs=10)


USER = "u1"
GOOD = Draft(
    NOW,
    {"v": 1, "flush_id": "f1", "user_id": USER, "sent_at": NOW},
    [{"impression_id": "i1", "artwork_id": "a1", "seen_at": NOW}],
)


def alone(value: bytes | None) -> Judge:
    return judged([Record("t", 0, 0, NOW, None, value)], RULES, 1)


def test_each_broken_line_is_rejected_for_the_reason_in_its_name() -> None:
    wrong: dict[str, dict[str, bytes | None]] = {
        "malformed": malformed_values(GOOD),
        "oversize": {**oversize_lines(GOOD, Random(1))},
        "invalid": {kind: draft.encode() for kind, draft in invalid_flushes(GOOD).items()},
    }
    for reason, values in wrong.items():
        for kind, value in values.items():
            assert [(row.reason, row.idx) for row in alone(value).rejected] == [(reason, -1)], kind
    for kind, good in odd_values(GOOD).items():
        assert len(alone(good).accepted) == 1, kind


def test_each_broken_impression_is_invalid() -> None:
    for kind, text in invalid_impressions(NOW).items():
        result = alone(Draft(NOW, GOOD.fields, [text]).encode())
        assert [(row.reason, row.idx) for row in result.rejected] == [("invalid", 0)], kind
        assert result.rejected[0].payload == sha256(text.encode()).hexdigest(), kind


def test_an_encoded_draft_has_its_fields_and_impressions() -> None:
    assert json.loads(GOOD.encode()) == GOOD.fields | {"impressions": GOOD.impressions}
