"""Images are pinned by what a registry says, all or none; no digest is made up."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.pin_images import FILES, ROOT, ResolveError, images, resolve, run

DIGEST = "sha256:" + "0123456789abcdef" * 4
OTHER = "sha256:" + "f" * 64


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files as they are before anyone has pinned them."""
    for file in FILES:
        (tmp_path / file).write_text(re.sub(r"@sha256:[0-9a-f]{64}", "", (ROOT / file).read_text()))
    return tmp_path


def docker(folder: Path, script: str) -> None:
    path = folder / "docker"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_every_image_is_found_and_only_those_of_others() -> None:
    named = {image.name.partition(":")[0] for file in FILES for image in images((ROOT / file).read_text())}
    assert named == {
        "apache/kafka", "clickhouse/clickhouse-server", "prom/prometheus", "prom/node-exporter", "prom/alertmanager",
        "grafana/grafana", "python",
    }  # fmt: skip


def test_all_are_pinned_and_nothing_else_changes(checkout: Path) -> None:
    before = {file: (checkout / file).read_text() for file in FILES}
    said: list[str] = []
    assert run(checkout, check=False, resolve=lambda _: DIGEST, out=said.append) == 0
    for file, text in before.items():
        after = (checkout / file).read_text()
        assert after.replace(f"@{DIGEST}", "") == text
        assert {image.digest for image in images(after)} <= {DIGEST}
    assert "FROM python:" in (checkout / "Dockerfile").read_text()
    assert f"-slim-bookworm@{DIGEST} AS build\n" in (checkout / "Dockerfile").read_text()
    assert said[-1] == "7 images are pinned: look at the difference, and commit it."


def test_a_digest_is_replaced_by_that_of_today(checkout: Path) -> None:
    run(checkout, check=False, resolve=lambda _: OTHER, out=list)
    said: list[str] = []
    assert run(checkout, check=True, resolve=lambda _: DIGEST, out=said.append) == 1
    assert len(said) == 7
    assert f"has {OTHER}, and its registry {DIGEST}" in said[0]
    run(checkout, check=False, resolve=lambda _: DIGEST, out=list)
    assert run(checkout, check=True, resolve=lambda _: DIGEST, out=list) == 0
    assert OTHER not in (checkout / "docker-compose.yml").read_text()


def test_an_image_without_a_digest_fails_the_check(checkout: Path) -> None:
    said: list[str] = []
    assert run(checkout, check=True, resolve=lambda _: DIGEST, out=said.append) == 1
    assert len(said) == 7
    assert all(line.endswith(f"has no digest, and its registry {DIGEST}") for line in said)


def test_where_one_is_unknown_none_is_pinned(checkout: Path) -> None:
    before = {file: (checkout / file).read_text() for file in FILES}

    def unknown(name: str) -> str:
        if name.startswith("python"):
            raise ResolveError("no")
        return DIGEST

    with pytest.raises(ResolveError):
        run(checkout, check=False, resolve=unknown, out=list)
    assert {file: (checkout / file).read_text() for file in FILES} == before


def test_docker_is_asked_for_the_digest_of_all_platforms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker(tmp_path, f'echo "$@" >{tmp_path}/asked; echo {DIGEST}')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert resolve("apache/kafka:4.3.1") == DIGEST
    asked = (tmp_path / "asked").read_text().split()
    assert asked == ["buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}", "apache/kafka:4.3.1"]


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("echo 'no such host' >&2; exit 1", "no such host"),
        ("echo sha256:1234", "sha256:1234"),
        ("true", "no output"),
    ],
)
def test_what_is_no_digest_is_never_taken_for_one(
    script: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker(tmp_path, script)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(ResolveError, match=f"the digest of apache/kafka:4.3.1: {sentence}"):
        resolve("apache/kafka:4.3.1")


def test_without_docker_the_error_is_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.pin_images", "--check"],
        cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "There is no docker on the PATH: run this where Docker and its buildx are.\n"
