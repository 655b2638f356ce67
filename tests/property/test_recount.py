"""What holds of the recount whatever the log: it balances, and its rows obey the rules it cites."""

import json
from contextlib import suppress
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from demo.check.recount import recount, split_lines
from demo.check.recount_json import Malformed, decode, impression_payloads
from demo.check.recount_types import Config, Record

A = 1_732_431_600_000
CONFIG = Config(window_ms=10, lateness_ms=100, tolerance_ms=5, partitions=2)

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
def test_every_line_balances_and_no_two_accepted_are_closer_than_the_window(log: list[tuple[int, bytes]]) -> None:
    records = [Record("t", partition, offset, A, value) for offset, (partition, value) in enumerate(log)]
    result = recount(records, [], CONFIG)
    assert len(result.ledger) == sum(len(split_lines(value)) for _, value in log)
    for row in result.ledger:
        assert row.received == row.accepted + row.duplicates + row.rejected + row.forwarded
    assert sum(row.accepted for row in result.ledger) == len(result.accepted)
    assert sum(row.rejected for row in result.ledger) == len(result.rejected)
    assert len({row.event_id for row in result.accepted}) == len(result.accepted)
    seen = {(row.user_id, row.artwork_id) for row in result.accepted}
    assert sum(row.fresh for row in result.accepted) == len(seen)
    for one, other in combinations(result.accepted, 2):
        if (one.user_id, one.artwork_id) == (other.user_id, other.artwork_id):
            assert abs(one.seen_at - other.seen_at) >= CONFIG.window_ms


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
def test_payloads_are_the_exact_elements(
    elements: list[object], others: dict[str, object], indent: int | None, ascii_only: bool
) -> None:
    exact = [json.dumps(element, indent=indent, ensure_ascii=ascii_only).replace("\n", "\r") for element in elements]
    rest = json.dumps(others | {"impressions": 0}, ensure_ascii=ascii_only)[:-1]
    line = f'{rest} , "impressions" : [ {" , ".join(exact)} ] }}'.encode()
    assert impression_payloads(line) == [text.encode() for text in exact]
    assert decode(line)["impressions"] == elements


@given(st.binary())
def test_any_bytes_are_decoded_or_malformed(line: bytes) -> None:
    with suppress(Malformed):
        assert isinstance(decode(line), dict)
