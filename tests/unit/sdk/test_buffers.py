"""Batching by user: no impression is lost or duplicated, and none waits longer than the interval."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from impression_streams.buffers import Buffer, Buffers

INTERVAL = 5.0
steps = st.lists(
    st.tuples(st.sampled_from("abc"), st.floats(0, 4), st.sampled_from(["add", "due", "take"])), max_size=60
)


@given(steps, st.integers(1, 4))
def test_every_impression_comes_out_once_and_in_its_users_order(moves: list[tuple[str, float, str]], size: int) -> None:
    buffers = Buffers(size, INTERVAL)
    now = 0.0
    added: list[tuple[str, bytes]] = []
    out: list[tuple[str, bytes]] = []
    since: dict[bytes, float] = {}

    def taken(buffer: Buffer, *, on_time: bool = False) -> None:
        out.extend((buffer.user_id, impression) for impression in buffer.impressions)
        assert 1 <= len(buffer.impressions) <= size
        assert not on_time or since[buffer.impressions[0]] + INTERVAL <= now

    for i, (user, wait, move) in enumerate(moves):
        now += wait
        if move == "add":
            impression = str(i).encode()
            since[impression] = now
            added.append((user, impression))
            if (full := buffers.add(user, impression, now)) is not None:
                assert len(full.impressions) == size
                taken(full)
        elif move == "due":
            for buffer in buffers.take_due(now):
                taken(buffer, on_time=True)
            assert not list(buffers.take_due(now))
        else:
            for buffer in buffers.take(user):
                taken(buffer)
    for buffer in buffers.take():
        taken(buffer)

    assert not list(buffers.take())
    assert Counter(out) == Counter(added)
    for user in "abc":
        assert [i for u, i in out if u == user] == [i for u, i in added if u == user]
