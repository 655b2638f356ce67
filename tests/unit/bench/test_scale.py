"""The scale bench's shapes and backlogs are as specified, and its figures are computed correctly."""

from dataclasses import asdict
from pathlib import Path

import pytest

from bench.lib.figures import quantiles
from bench.lib.tree import Usage
from bench.lib.worker import Sample
from bench.scale.input import Shape, backlog, declared
from bench.scale.pictures import line
from bench.scale.rebalance import Change, cells
from bench.scale.run import SWEEPS, USUAL, Point, curve, read_off, shapes, swept
from streams.core.decode import DecodedFlush, InvalidImpression, decode
from streams.errors import UserError
from streams.kafka.names import ACCEPTED, ARTWORKS, IMPRESSIONS, changelog
from streams.provision import topics_file
from streams.settings import Settings
from streams.state.partition_state import Table

NOW = 1_732_431_600_000


@pytest.mark.parametrize("name", SWEEPS)
def test_a_sweep_changes_one_thing_and_begins_with_the_usual_shape(name: str) -> None:
    found = swept(name)
    assert USUAL in found
    for shape in found:
        assert {key for key, value in asdict(shape).items() if value != getattr(USUAL, key)} <= {name}
    assert [getattr(shape, name) for shape in found] == list(SWEEPS[name])


def test_the_usual_shape_is_measured_once() -> None:
    assert list(shapes(SWEEPS)).count(USUAL) == 1
    assert list(shapes(["workers", "rebalance"])) == [USUAL, Shape(workers=2)]


@pytest.mark.parametrize(
    "shape", [Shape(), Shape(size=10, users=50), Shape(size=200), Shape(artworks=100_000)], ids=str
)
def test_a_backlog_has_the_shape_that_was_asked_for(shape: Shape) -> None:
    made = list(backlog(shape, 8_000, NOW))
    assert len(made) == 8_000 // shape.size
    assert {len(record.impressions) for record in made} == {shape.size}
    for record in made:
        assert len({seen.artwork for seen in record.impressions}) == shape.size
    seen = [each for record in made for each in record.impressions]
    assert max(each.seen_at for each in seen) <= NOW, "nothing is in the future"
    assert max(each.user for each in seen) < shape.users
    assert max(each.artwork for each in seen) < shape.artworks
    assert max(each.artwork for each in seen) > shape.artworks * 0.9
    decoded = decode(made[-1].value())
    assert isinstance(decoded, DecodedFlush)
    assert not any(isinstance(each, InvalidImpression) for each in decoded.impressions)


def test_one_record_in_ten_is_an_exact_retry() -> None:
    made = list(backlog(Shape(), 20_000, NOW))
    assert 0.09 < 1 - len({record.number for record in made}) / len(made) < 0.11
    assert made == list(backlog(Shape(), 20_000, NOW))


def test_another_partition_count_applies_to_every_topic_that_the_worker_writes(tmp_path: Path) -> None:
    path = declared(tmp_path, 8)
    found = topics_file.load(Settings(topics_file=path))
    assert {found[name].partitions for name in (IMPRESSIONS, ACCEPTED, changelog(Table.WINDOWS))} == {8}
    assert found[ARTWORKS].partitions == 1


def sample(at: float, impressions: int, cpu: float, holding: int = 1, mib: int = 100) -> Sample:
    return Sample(at, impressions, impressions // 2, Usage(cpu, mib << 20), cpu / 2, holding)


def test_a_point_is_measured_in_the_steady_state() -> None:
    samples = [
        sample(0.0, 0, 5.0, mib=300),
        sample(1.0, 100, 6.0),
        sample(2.0, 300, 7.0),
        sample(6.0, 960, 9.0),
        sample(7.0, 1_000, 9.9),
    ]
    found = read_off(USUAL, samples, 1_000)
    assert (found.rate, found.accepted, found.peak_mib) == (165.0, 0.5, 300.0)
    assert found.cpu_us == pytest.approx(2 / 660 * 1e6)
    assert found.broker_us == pytest.approx(1 / 660 * 1e6)


def test_two_workers_are_measured_from_when_both_hold_partitions() -> None:
    samples = [sample(1.0, 300, 1.0), sample(2.0, 500, 2.0, holding=2), sample(4.0, 950, 4.0, holding=2)]
    assert read_off(Shape(workers=2), samples, 1_000).rate == 225.0
    with pytest.raises(UserError, match="too few"):
        read_off(Shape(workers=2), samples[:2], 1_000)


def point(size: int, cpu_us: float) -> Point:
    return Point(Shape(size=size), 1_000, 0.9, 5_000.0, cpu_us, 1.0, 100.0)


def test_a_records_cost_grows_linearly_with_its_size() -> None:
    points = [point(size, 7.0 + 20.0 / size) for size in (1, 10, 100)]
    record, impression = line(curve("size", points))
    assert record == pytest.approx(20.0)
    assert impression == pytest.approx(7.0)
    assert curve("users", points) == [(10_000, each.cpu_us) for each in points]
    assert curve("workers", points) == [(1, 5_000.0)] * 3


def test_a_change_is_reported_by_its_longest_silence() -> None:
    change = Change("it ends", 2.5, (0.1, 3.25, 0.2), quantiles([10.0, 3_000.0]))
    assert cells(change) == ("it ends", "2.5", "3.25", "0.10", "10", "3,000", "3,000")
