"""What the collector counts: each label's value is one that the catalogue lists, and each of those is counted somewhere."""

import re
from pathlib import Path

import pytest

from streams import collector
from streams.collector import observe
from streams.collector.rules.reading import Reading
from streams.metrics import collector as metrics
from streams.metrics.base import COLLECTOR
from tests.unit.collector.test_authority import FORGED, OLD, ONE, TWO, T1, reading_of, token_line

ROOT = Path(collector.__file__).parent
SOURCE = {str(path.relative_to(ROOT)): path.read_text() for path in ROOT.rglob("*.py")}


def words(pattern: str, *files: str) -> set[str]:
    """Return what the pattern's group finds in these files, or in all."""
    return {word for name in files or SOURCE for word in re.findall(pattern, SOURCE[name])}


def test_every_reason_of_a_refusal_is_listed_and_each_listed_one_occurs() -> None:
    record = words(r'_problem\(\s*\d+, "(\w+)"', "http/record.py") | words(r'"(forbidden|unreadable)"', "http/record.py")
    mapped = set(re.findall(r'": "(\w+)"', SOURCE["http/record.py"].split("_REASONS = {")[1].split("}")[0]))
    before = set(re.findall(r'\d+: "(\w+)"', SOURCE["observe.py"]))
    other = words(r'observe\.refused\("(\w+)"\)')
    assert record | mapped | before | other == {*metrics.TOO_MUCH, *metrics.NOT_NOW}


def test_every_reason_of_a_token_is_listed_and_each_listed_one_occurs() -> None:
    said = words(r'TokenError\("(\w+)"') | {"missing", "scope"}
    assert said == set(metrics.TOKEN_FAILURES)


def test_every_limit_and_every_end_is_listed() -> None:
    assert words(r'observe\.limited\("(\w+)"\)') == set(metrics.LIMITED)
    ends = words(r'self\._why = "(\w+)"', "http/protocol.py") | words(r'_close,? ?\(?"(\w+)"\)', "http/protocol.py")
    ends |= words(r'_refuse\([\w.]+, "(\w+)"\)', "http/protocol.py") | words(r'"(closed|reset)"', "http/protocol.py")
    assert ends == set(metrics.ENDS)


def counted(name: str, **labels: str) -> float:
    return COLLECTOR.get_sample_value(f"impressions_collector_{name}_total", labels) or 0.0


@pytest.mark.parametrize(
    ("reading", "failures"),
    [
        (lambda: reading_of(ONE, TWO), {"missing": 2}),
        (lambda: reading_of(ONE, TWO, ONE, token=T1), {"scope": 1}),
        (lambda: reading_of(ONE, token_line(OLD), ONE, token_line(FORGED), ONE, token=T1), {"expired": 1, "signature": 1}),
        (lambda: reading_of(ONE, token_line("x"), ONE, ONE, token_line(T1), ONE), {"missing": 1, "malformed": 2}),
        (lambda: reading_of(ONE, token=T1), {}),
    ],
    ids=["no token", "another user's", "old and forged", "nonsense, then good", "good"],
)
def test_flushes_that_no_token_authorised_are_counted_by_reason(reading: object, failures: dict[str, int]) -> None:
    assert callable(reading)
    found: Reading = reading()
    assert found.token_failures == failures
    assert sum(failures.values()) == found.refused["unauthorised"]
    before = {reason: counted("token_failures", reason=reason) for reason in metrics.TOKEN_FAILURES}
    observe.judged(found)
    after = {reason: counted("token_failures", reason=reason) for reason in metrics.TOKEN_FAILURES}
    assert {reason: after[reason] - before[reason] for reason in failures} == failures
    assert sum(after.values()) - sum(before.values()) == sum(failures.values())


def test_without_tokens_nothing_of_them_is_counted() -> None:
    reading = Reading()
    before = sum(counted("token_failures", reason=reason) for reason in metrics.TOKEN_FAILURES)
    observe.judged(reading)
    assert sum(counted("token_failures", reason=reason) for reason in metrics.TOKEN_FAILURES) == before
