"""What the collector counts: each label's value is one that the catalogue lists, and each listed one is counted."""

import re
from pathlib import Path

from prometheus_client import Counter

from streams import collector
from streams.collector import observe
from streams.metrics import collector as metrics
from streams.metrics.base import COLLECTOR

ROOT = Path(collector.__file__).parent
SOURCE = {str(path.relative_to(ROOT)): path.read_text() for path in ROOT.rglob("*.py")}


def words(pattern: str, *files: str) -> set[str]:
    """Return what the pattern's group finds in these files, or in all."""
    return {word for name in files or SOURCE for word in re.findall(pattern, SOURCE[name])}


def test_every_reason_of_a_refusal_is_listed_and_each_listed_one_occurs() -> None:
    record = words(r'_problem\(\s*\d+, "(\w+)"', "http/record.py") | words(
        r'"(forbidden|unreadable)"', "http/record.py"
    )
    mapped = set(re.findall(r'": "(\w+)"', SOURCE["http/record.py"].split("_REASONS = {")[1].split("}")[0]))
    before = set(re.findall(r'\d+: "(\w+)"', SOURCE["observe.py"]))
    other = words(r'observe\.refused\("(\w+)"\)')
    assert record | mapped | before | other == {*metrics.TOO_MUCH, *metrics.NOT_NOW}


def test_every_reason_of_a_token_is_listed_and_each_listed_one_occurs() -> None:
    said = words(r'TokenError\("(\w+)"') | words(r'token_failed\("(\w+)"\)') | words(r'or "(user)"', "http/record.py")
    assert said == set(metrics.TOKEN_FAILURES)


def test_every_limit_and_every_end_is_listed() -> None:
    assert words(r'observe\.limited\("(\w+)"\)') == set(metrics.LIMITED)
    files = ("http/protocol.py", "http/ending.py")
    ends = words(r'self\._why = "(\w+)"', *files) | words(r'_(?:close|linger),? ?\(?"(\w+)"\)', *files)
    ends |= words(r'_refuse\([\w.]+, "(\w+)"\)', *files) | words(r'"(closed|reset)"', *files)
    assert ends == set(metrics.ENDS)


def test_from_the_beginning_every_counter_with_one_known_label_is_there() -> None:
    """Otherwise the first of a kind is no increase to Prometheus, and a graph without any says that nobody reports."""
    observe.begin()
    single = {value for value in vars(metrics).values() if isinstance(value, Counter) and len(value._labelnames) == 1}
    assert set(observe.KNOWN) == single
    for metric, values in observe.KNOWN.items():
        (described,) = metric.collect()
        (label,) = metric._labelnames
        there = {sample.labels[label] for sample in described.samples if sample.name.endswith("_total")}
        assert there >= set(values)
        for value in values:
            assert COLLECTOR.get_sample_value(f"{described.name}_total", {label: value}) is not None
