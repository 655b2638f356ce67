"""Events of the last hour, held to a dict by their ids."""

from hypothesis import given
from hypothesis import strategies as st

from streams.collector.reads.recent import EVENT_BYTES, UNCATALOGUED_EVENT_BYTES, Recent

EVENTS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 100)), max_size=60)
# Artworks from so many on are unknown at first.
KNOWN = 5


def artwork(number: int) -> tuple[str, int]:
    """An event is of one artwork, whenever it comes."""
    return f"a{number % 10}", number % 10


@given(events=EVENTS, again=EVENTS, horizon=st.integers(0, 110))
def test_each_event_is_there_once_from_the_horizon_on(
    events: list[tuple[int, int]], again: list[tuple[int, int]], horizon: int
) -> None:
    recent, model = Recent(), dict[int, tuple[int, int]]()

    def take(some: list[tuple[int, int]], known: int) -> None:
        for number, seen_at in some:
            artwork_id, ordinal = artwork(number)
            first, _ = model.setdefault(number, (seen_at, ordinal))
            recent.add(f"e{number}", first, artwork_id, ordinal if ordinal < known else None)

    take(events, KNOWN)
    assert sorted(recent) == sorted(each for each in model.values() if each[1] < KNOWN)
    assert len(recent) == len(model)
    recent.place({f"a{n}": n for n in range(10)}.get)
    take(again, 10)
    recent.forget_before(horizon)
    assert sorted(recent) == sorted(each for each in model.values() if each[0] >= horizon)


def test_an_event_is_small_once_its_artwork_is_known() -> None:
    recent = Recent()
    recent.add("e1", 5, "a1", None)
    assert recent.bytes == UNCATALOGUED_EVENT_BYTES
    recent.place({"a1": 7}.get)
    assert (recent.bytes, list(recent)) == (EVENT_BYTES, [(5, 7)])
