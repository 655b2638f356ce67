"""Which processes are asked, and where."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams.embedded.stack import Row
from streams.errors import UserError
from streams.settings import Settings
from streams.top import targets
from streams.top.target import Target, named


def row(component: str) -> Row:
    return Row(component, 1, True, "", datetime.now(UTC))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["kafka", "worker-0", "sink-0", "sink-1", "worker-12", "supervisor"]
    monkeypatch.setattr("streams.embedded.stack.status", lambda _: [row(name) for name in names])


@pytest.mark.usefixtures("started")
def test_what_was_started_is_expected_and_others_on_this_machine_may_be_there(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "metrics_host": "0.0.0.0"})
    found = targets.on_this_machine(settings, 3)
    assert [each.name for each in found if each.expected] == ["worker-0", "worker-12", "sink-0", "sink-1"]
    assert [each.name for each in found if not each.expected] == ["worker-1", "worker-2", "sink-2"]
    assert found[1] == Target("worker-12", "127.0.0.1", 9221)
    assert {each.name: each.port for each in found}["sink-1"] == 9112


@pytest.mark.usefixtures("started")
def test_nothing_is_tried_on_another_machine(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "metrics_host": "10.1.2.3"})
    assert all(each.expected for each in targets.on_this_machine(settings, 3))


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("worker-0:9101", Target("worker-0:9101", "worker-0", 9101)),
        ("http://worker-0:9101/metrics", Target("worker-0:9101", "worker-0", 9101)),
        ("https://[::1]:9101", Target("[::1]:9101", "::1", 9101, tls=True)),
    ],
)
def test_an_address_is_a_url_or_host_and_port(text: str, target: Target) -> None:
    assert named(text) == target
    assert target.address == target.name


@pytest.mark.parametrize("text", ["worker-0", "ftp://worker-0:9101", "worker-0:port", ":9101", "worker-0:99999", ""])
def test_what_is_no_address_is_one_sentence(text: str) -> None:
    with pytest.raises(UserError, match="is not the address of a metrics endpoint"):
        named(text)
