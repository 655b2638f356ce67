"""What a file asks for against what the log says: what is added, changed and retired, and what is refused."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from streams.catalogue_load.report import described, kind_of, record
from streams.catalogue_load.staging import Staging
from streams.core.artwork_record import Refusal, read
from streams.core.catalogue import Catalogue
from streams.errors import UserError

Fields = dict[str, Any]


class Load:
    """A log, and a file's rows against it."""

    def __init__(self) -> None:
        self.staging = Staging()
        self.catalogue = Catalogue()

    def log(self, **records: Fields | None) -> "Load":
        """Append records, as the load reads them."""
        for artwork_id, value in records.items():
            self.append(artwork_id, None if value is None else orjson.dumps(value))
        return self

    def append(self, artwork_id: str, value: bytes | None) -> None:
        found = read(artwork_id.encode(), value)
        assert not isinstance(found, Refusal)
        artwork = self.catalogue.take(*found)
        assert not isinstance(artwork, Refusal), artwork
        said = found[1]
        self.staging.learn(artwork, said, orjson.dumps(said.dna if said else []))

    def file(self, *rows: Fields) -> "Load":
        self.bad = [(n, why) for n, row in enumerate(rows, 1) if (why := self.staging.want(n, row))]
        return self.settle()

    def settle(self) -> "Load":
        self.bad += list(self.staging.refuse_conflicts())
        self.staging.name_pools()
        return self

    def plan(self, retire_missing: bool = False) -> list[str]:
        return [f"{kind_of(step)} {described(step)}" for step in self.staging.steps(retire_missing)]

    def write(self, retire_missing: bool = False, most: int | None = None) -> None:
        """Write what is planned, or the first records of it."""
        for step in list(self.staging.steps(retire_missing))[:most]:
            self.append(step.after.artwork_id, record(step.after))


@pytest.fixture
def load() -> Iterator[Load]:
    load = Load()
    with load.staging:
        yield load


def artwork(artwork_id: str, pool: str | None = "p", **more: Any) -> Fields:
    return {"artwork_id": artwork_id, **({} if pool is None else {"pool_id": pool}), **more}


def test_new_artworks_get_the_ordinals_after_the_greatest_in_the_files_order(load: Load) -> None:
    load.log(x={"pool_id": "p", "ordinal": 7}, y={"pool_id": "p", "ordinal": 3}, z={"pool_id": "q", "ordinal": 5})
    assert load.file(artwork("b"), artwork("x"), artwork("a")).plan() == ["+ b p ordinal 8", "+ a p ordinal 9"]
    load.write()
    assert load.plan() == []
    assert [load.catalogue.ordinal(name) for name in "xyzba"] == [7, 3, 5, 8, 9]


def test_ordinals_of_retired_artworks_are_not_given_again(load: Load) -> None:
    load.log(x={"pool_id": "p", "ordinal": 0}, y={"pool_id": "p", "ordinal": 1, "retired": True}).log(y=None)
    assert load.file(artwork("a")).plan() == ["+ a p ordinal 2"]


def test_what_a_row_does_not_say_stays_as_it_is(load: Load) -> None:
    load.log(x={"pool_id": "p", "ordinal": 0, "created_at": 5, "dna": [1, 2], "retired": True})
    assert load.file(artwork("x", None)).plan() == []
    assert load.staging.stay_retired() == 1


def test_each_change_is_shown_as_it_was_and_as_it_will_be(load: Load) -> None:
    load.log(x={"pool_id": "p", "ordinal": 0, "dna": [1, 2]})
    load.file(artwork("x", "q", created_at=9, dna=b"[1.0,2.0,3.0]"))
    assert load.plan() == ["~ x pool_id: p -> q, created_at: 0 -> 9, dna: 2 numbers -> 3 numbers"]
    load.write()
    assert load.plan() == []


def test_a_change_keeps_the_rest_of_the_record(load: Load) -> None:
    load.log(x={"pool_id": "p", "ordinal": 4, "created_at": 5, "dna": [0.25]})
    (step,) = load.file(artwork("x", "q")).staging.steps(False)
    assert orjson.loads(record(step.after)) == {
        "artwork_id": "x",
        "ordinal": 4,
        "pool_id": "q",
        "created_at": 5,
        "retired": False,
        "dna": [0.25],
    }


def test_missing_artworks_are_retired_only_by_request_and_only_in_the_files_pools(load: Load) -> None:
    load.log(x={"pool_id": "p", "ordinal": 0}, y={"pool_id": "p", "ordinal": 1}, z={"pool_id": "q", "ordinal": 2})
    load.file(artwork("x"))
    assert load.plan() == []
    assert load.plan(retire_missing=True) == ["- y p"]
    assert load.staging.other_pools() == ["q"]


def test_a_pool_is_named_by_an_artwork_whose_row_does_not_say_it(load: Load) -> None:
    load.log(x={"pool_id": "p", "ordinal": 0}, y={"pool_id": "p", "ordinal": 1})
    assert load.file(artwork("x", None)).plan(retire_missing=True) == ["- y p"]


def test_what_the_whole_catalogue_has_is_active_unless_it_says_otherwise(load: Load) -> None:
    load.log(x={"pool_id": "p", "ordinal": 0}, y={"pool_id": "p", "ordinal": 1}, z={"pool_id": "p", "ordinal": 2})
    load.log(x=None, y=None)
    load.file(artwork("x"), artwork("y", retired=True), artwork("z", retired=True))
    assert load.plan() == ["- z p"]
    assert load.plan(retire_missing=True) == ["~ x retired: true -> false", "- z p"]


def test_a_load_that_was_cut_short_is_completed_with_the_same_ordinals(load: Load) -> None:
    load.log(x={"pool_id": "p", "ordinal": 0}, y={"pool_id": "p", "ordinal": 1})
    load.file(artwork("a"), artwork("x", "q"), artwork("b"))
    planned = load.plan(retire_missing=True)
    load.write(retire_missing=True, most=1)
    assert load.settle().plan(retire_missing=True) == planned[1:]
    load.write(retire_missing=True, most=2)
    assert load.settle().plan(retire_missing=True) == planned[3:]


def test_another_producer_that_takes_the_ordinal_first_is_given_way(load: Load) -> None:
    load.file(artwork("a"), artwork("b"))
    assert load.plan() == ["+ a p ordinal 0", "+ b p ordinal 1"]
    load.log(other={"pool_id": "p", "ordinal": 0})
    assert load.settle().plan() == ["+ a p ordinal 1", "+ b p ordinal 2"]


def test_ordinals_that_the_file_gives_are_taken_where_they_are_free(load: Load) -> None:
    load.log(x={"pool_id": "p", "ordinal": 0})
    load.file(artwork("x", ordinal=0), artwork("a", ordinal=9), artwork("b"))
    assert load.plan() == ["+ a p ordinal 9", "+ b p ordinal 10"]
    assert load.bad == []


def test_ordinals_that_change_or_are_taken_are_bad_rows(load: Load) -> None:
    load.log(x={"pool_id": "p", "ordinal": 0}, y={"pool_id": "p", "ordinal": 1})
    load.file(artwork("x", ordinal=5), artwork("a", ordinal=1), artwork("b", ordinal=7), artwork("c", ordinal=7))
    assert load.bad == [
        (1, "ordinal: x has 0, which never changes"),
        (2, "ordinal: 1 belongs to y"),
        (4, "ordinal: 7 is given to b before"),
    ]
    assert load.plan() == ["+ b p ordinal 7"]


def test_a_new_artwork_without_a_pool_is_a_bad_row(load: Load) -> None:
    load.file(artwork("a", None), artwork("b"))
    assert load.bad == [(1, "pool_id: missing, and nobody has catalogued a before")]
    assert load.plan() == ["+ b p ordinal 0"]


def test_an_artwork_twice_is_one_and_a_contradiction_is_a_bad_row(load: Load) -> None:
    load.file(artwork("a"), artwork("a"), artwork("a", "q"))
    assert load.bad == [(3, "artwork_id: a is in row 1 already, with other values")]
    assert load.plan() == ["+ a p ordinal 0"]


def test_no_ordinal_is_used_beyond_the_last(load: Load) -> None:
    load.log(x={"pool_id": "p", "ordinal": 2**32 - 2})
    load.file(artwork("a"), artwork("b"))
    with pytest.raises(UserError, match="No ordinals are left"):
        load.plan()


def test_every_record_is_one_that_readers_take(load: Load) -> None:
    load.file(artwork("a", created_at=3, dna=b"[0.5]"), artwork("b", retired=True))
    load.write()
    assert load.catalogue.get("a") == ("a", 0, "p", False)
    assert load.catalogue.get("b") == ("b", 1, "p", True)
