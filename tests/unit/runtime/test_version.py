"""What `impressions --version` says, in a checkout and without one."""

import subprocess
from pathlib import Path

import confluent_kafka
import pytest

from streams import __version__
from streams.runtime.version import version


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    done = subprocess.run(["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_without_a_checkout_there_is_no_commit(tmp_path: Path) -> None:
    assert version(tmp_path).startswith(f"impressions {__version__}, librdkafka {confluent_kafka.libversion()[0]}, ")


def test_in_a_checkout_the_commit_is_named_and_whether_files_differ(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-qm", "a")
    commit = git(tmp_path, "rev-parse", "--short", "HEAD")
    assert f"(commit {commit})" in version(tmp_path)
    (tmp_path / "a").write_text("2")
    assert f"(commit {commit}+)" in version(tmp_path)


def test_without_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "commit" not in version(tmp_path)
