"""What holds for the collector's other rules whatever comes: inflating by any pieces, and buckets at any time."""

import gzip
import zlib
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streams.collector.rules.bodies import BodyError, Inflater
from streams.collector.rules.buckets import Buckets

LIMIT = 200_000

texts = st.one_of(st.binary(max_size=300), st.builds(bytes, st.integers(0, 150_000)), st.just(b"ab" * 40_000))
members = st.lists(st.tuples(texts, st.integers(0, 9)), min_size=1, max_size=4)
cuts = st.lists(st.floats(0, 1), max_size=5)


def pieces(data: bytes, places: list[float]) -> list[bytes]:
    ends = [0, *sorted(int(each * len(data)) for each in places), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]


def inflated(data: bytes, places: list[float]) -> bytes | None:
    """What comes out, None if it is refused; never more than the limit and one byte."""
    inflater = Inflater(LIMIT)
    try:
        out = b"".join(inflater.feed(piece) for piece in pieces(data, places))
        inflater.finish()
    except BodyError:
        assert inflater.inflated <= LIMIT + 1
        return None
    return out


@given(members, cuts)
def test_gzip_comes_out_whole_by_any_pieces(parts: list[tuple[bytes, int]], places: list[float]) -> None:
    text = b"".join(each for each, _ in parts)
    data = b"".join(gzip.compress(each, level) for each, level in parts)
    assert inflated(data, places) == (text if len(text) <= LIMIT else None)


@given(st.binary(max_size=200), st.floats(0, 1), st.binary(max_size=3), cuts)
def test_damaged_gzip_is_refused_or_is_what_zlib_reads(text: bytes, at: float, new: bytes, places: list[float]) -> None:
    data = bytearray(gzip.compress(text))
    place = int(at * len(data))
    data[place : place + len(new)] = new
    expected: bytes | None = b""
    rest = bytes(data)
    while rest:
        member = zlib.decompressobj(31)
        try:
            out = member.decompress(rest)
        except zlib.error:
            out, member = b"", zlib.decompressobj(31)
        if not member.eof:
            expected = None
            break
        expected, rest = (expected or b"") + out, member.unused_data
    assert inflated(bytes(data), places) == expected


takes = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.integers(1, 6), st.floats(0, 3, allow_subnormal=False)), max_size=60
)


@given(takes)
def test_a_key_never_gets_more_than_its_burst_and_rate(requests: list[tuple[str, int, float]]) -> None:
    rate, burst, now = 2.0, 5.0, 1_000.0
    buckets = Buckets(rate, burst, most=100)
    given_: dict[str, list[tuple[float, int]]] = {}
    for name, amount, later in requests:
        now += later
        wait = buckets.take(name, amount, now)
        if not wait:
            given_.setdefault(name, []).append((now, amount))
        else:
            # The wait is enough, and not longer than it must be.
            assert buckets.wait(name, amount, now + wait) == 0
            assert buckets.wait(name, amount, now + wait * 0.9 - 1e-5) > 0
    for taken in given_.values():
        for first, (since, _) in enumerate(taken):
            for last, (until, latest) in enumerate(taken[first:], first):
                # The last one may be larger than the burst, for which it needs no more than a full bucket.
                total = sum(amount for _, amount in taken[first : last + 1]) - latest + min(latest, burst)
                assert total <= burst + rate * (until - since) + 1e-3


others = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 2), st.floats(0, 0.02)), max_size=100)


@given(others, st.integers(2, 12))
def test_who_owes_most_is_not_forgotten_and_keys_are_bounded(requests: list[tuple[int, int, float]], most: int) -> None:
    buckets = Buckets(1, 10, most)
    assert buckets.take("worst", 10, 0) == 0
    now, owed = 0.0, [0] * 31
    for number, amount, later in requests:
        now += later
        owed[number] += amount
        if owed[number] < 7:  # less than what the worst still owes at the end
            buckets.take(f"k{number}", amount, now)
        assert len(buckets) <= most
    assert abs(buckets.wait("worst", 1, now) - max(1 - now, 0)) < 1e-3
