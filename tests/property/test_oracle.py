"""What holds for the oracle with any log: its ledger balances, and its rows obey the rules that it cites."""

import json
from contextlib import suppress
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from oracle.jsontext import Malformed, impression_texts, parse_object
from oracle.rules import Record, Rules, line_count
from tests.support.against_oracle import judged

A = 1_732_431_600_000
RULES = Rules(window_ms=10, lateness_ms=100, tolerance_ms=5)

impressions = st.fixed_dictionaries(
    {
        "impression_id": st.just("i"),
        "artwork_id": st.sampled_from(["a", "b", ""]),
        "seen_at": st.integers(A - 130, A + 10),
    }
)
flushes = st.fixed_dictionaries(
    {
        "v": st.just(1),
        "flush_id": st.just("f"),
        "user_id": st.sampled_from(["u1", "u2", "u3"]),
        "sent_at": st.just(A),
        "impressions": st.lists(impressions, max_size=6),
    }
)
lines = st.one_of(flushes.map(lambda flush: json.dumps(flush).encode()), st.binary(max_size=8))
logs = st.lists(st.tuples(st.integers(0, 1), st.lists(lines, max_size=4).map(b"\n".join)), max_size=12)


@given(logs)
def test_every_line_balances_and_accepted_impressions_are_a_window_apart(log: list[tuple[int, bytes]]) -> None:
    records = [Record("t", partition, offset, A, None, value) for offset, (partition, value) in enumerate(log)]
    result = judged(records, RULES, 2)
    assert len(result.ledger) == sum(line_count(value) for _, value in log)
    for row in result.ledger:
        assert row.received == row.accepted + row.duplicates + row.rejected + row.forwarded
    assert sum(row.accepted for row in result.ledger) == len(result.accepted)
    assert sum(row.rejected for row in result.ledger) == len(result.rejected)
    accepted = list(result.accepted.values())
    assert len({row.event_id for row in accepted}) == len(accepted)
    seen = {(row.user_id, row.artwork_id) for row in accepted}
    assert sum(row.fresh for row in accepted) == len(seen)
    for one, other in combinations(accepted, 2):
        if (one.user_id, one.artwork_id) == (other.user_id, other.artwork_id):
            assert abs(one.seen_at - other.seen_at) >= RULES.window_ms


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(values, max_size=5), st.dictionaries(st.text(), values), st.sampled_from([None, 0, 3]), st.booleans())
def test_payloads_are_the_exact_bytes_of_the_elements(
    elements: list[object], others: dict[str, object], indent: int | None, ascii_only: bool
) -> None:
    exact = [json.dumps(element, indent=indent, ensure_ascii=ascii_only).replace("\n", "\r") for element in elements]
    rest = json.dumps(others | {"impressions": 0}, ensure_ascii=ascii_only)[:-1]
    line = f'{rest} , "impressions" : [ {" , ".join(exact)} ] }}'.encode()
    assert impression_texts(line) == [text.encode() for text in exact]
    assert parse_object(line)["impressions"] == elements


@given(st.binary())
def test_any_bytes_are_decoded_or_malformed(line: bytes) -> None:
    with suppress(Malformed):
        assert isinstance(parse_object(line), dict)
