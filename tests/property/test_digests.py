"""Digests are a set of ids."""

from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core import digests as module
from streams.core.digests import Digests

IDS = [f"id-{n}" for n in range(40)]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(IDS))), st.sampled_from([2, 64]))
def test_it_holds_what_was_added_and_not_removed(steps: list[tuple[bool, str]], least: int) -> None:
    with mock.patch.object(module, "_LEAST", least):
        found, expected = Digests(), set[str]()
        for add, each in steps:
            if add or each not in expected:
                found.add(each)
                expected.add(each)
            else:
                found.remove(each)
                expected.remove(each)
            assert len(found) == len(expected)
            assert [each in found for each in IDS] == [each in expected for each in IDS]


def test_it_takes_at_most_32_bytes_an_id() -> None:
    many = Digests(f"{n:0128}" for n in range(20_000))
    assert len(many) == 20_000
    assert many.memory <= 32 * 20_000
    assert f"{19_999:0128}" in many
    assert f"{20_000:0128}" not in many


def test_what_was_never_added_can_t_be_removed() -> None:
    with pytest.raises(KeyError):
        Digests(["a"]).remove("b")
