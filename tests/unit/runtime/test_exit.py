"""What a process says, and with which code it ends, for each kind of error."""

import os
from typing import NoReturn

import pytest

from streams.errors import (
    BrokerAwayError,
    ClientBrokenError,
    DiskFullError,
    FencedError,
    KnownError,
    SourceChangedError,
    StalledError,
    StateLostError,
    StateUnreadableError,
    TopicMissingError,
    UserError,
)
from streams.runtime import log
from streams.runtime.exit import end_process


class EndedError(Exception):
    """Stands in for the end of the process."""


def ended_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    def stop(code: int) -> NoReturn:
        raise EndedError(code)

    monkeypatch.setattr(os, "_exit", stop)
    log.configure("INFO")
    with pytest.raises(EndedError) as raised:
        end_process(error)
    return int(raised.value.args[0])


@pytest.mark.parametrize(
    ("error", "code", "event"),
    [
        (BrokerAwayError("why"), 75, "broker_away_ending"),
        (FencedError("why"), 75, "fenced"),
        (ClientBrokenError("why"), 75, "client_broken"),
        (DiskFullError("why"), 75, "disk_full"),
        (SourceChangedError("why"), 75, "source_changed"),
        (StalledError("why"), 75, "stalled_ending"),
        (UserError("why"), 78, "refused"),
        (TopicMissingError("why"), 75, "topic_missing"),
        (StateLostError("why"), 78, "refused"),
        (StateUnreadableError("why"), 78, "refused"),
    ],
)
def test_a_known_error_is_one_line_and_its_kind_is_the_code(
    error: KnownError, code: int, event: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended_with(error, monkeypatch) == code
    said = capsys.readouterr().err
    assert f'"event": "{event}"' in said
    assert '"why": "why"' in said
    assert "Traceback" not in said


def test_a_defect_keeps_its_trace(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="wrong") as raised:
        raise ValueError("wrong")
    assert ended_with(raised.value, monkeypatch) == 70
    assert "ValueError: wrong" in capsys.readouterr().err
