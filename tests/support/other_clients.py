"""Clients of other languages and libraries: how each is built from `tests/engine/clients`, run, and what it can do."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from streams.embedded.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "tests" / "engine" / "clients"
CACHE = ROOT / ".local" / "clients"
# On two busy cores, Rust's client takes five minutes.
BUILD_SECONDS = 1200
# Nothing is downloaded for longer than this, unless the network drops packets.
FETCH_SECONDS = 600
RUN_SECONDS = 240
LINES = 2_000

FEATURES = (
    "ping", "rows", "compressed", "parameters", "streamed", "error", "late error", "cancelled", "session", "external",
)  # fmt: skip


class NotFetchedError(Exception):
    """A package manager could not fetch what a client needs."""


@dataclass(frozen=True)
class Client:
    """A client: `fetch` may need a registry, `build` needs none; commands run in a copy of the folder."""

    name: str
    folder: str
    tools: tuple[str, ...]
    fetch: Sequence[Sequence[str]]
    run: tuple[str, ...]
    build: Sequence[Sequence[str]] = ()
    compressions: tuple[str, ...] = ()  # each is tried both ways, with rows of its own
    lacks: Mapping[str, str] = field(default_factory=dict)  # features that the client does not have, and why

    @property
    def features(self) -> list[str]:
        """Return the features to test."""
        return [feature for feature in FEATURES if feature not in self.lacks]

    def missing_tool(self) -> str | None:
        """Return the first program that building it needs and this machine hasn't; None if all are there."""
        return next((tool for tool in self.tools if shutil.which(tool) is None), None)

    def built(self) -> Path:
        """Return the folder of the built client; build it if there is none of exactly this source.

        Raises NotFetchedError, or CalledProcessError if it does not build.
        """
        target = CACHE / f"{self.folder}-{self._digest()}"
        # One test worker builds for all.
        with RunFolder(CACHE).lock("lock"):
            if not target.is_dir():
                self._build(target)
        return target

    def _build(self, target: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="build-", dir=CACHE) as scratch:
            fresh = Path(scratch, "client")
            shutil.copytree(SOURCES / self.folder, fresh)
            for argv in self.fetch:
                _fetch(argv, fresh)
            for argv in self.build:
                subprocess.run(argv, cwd=fresh, check=True, timeout=BUILD_SECONDS)
            fresh.replace(target)

    def _digest(self) -> str:
        state = hashlib.sha256(repr((self.fetch, self.build)).encode())
        for path in sorted(path for path in (SOURCES / self.folder).rglob("*") if path.is_file()):
            state.update(f"{path.name}\0".encode() + path.read_bytes())
        return state.hexdigest()[:16]

    def try_feature(self, folder: Path, url: str, password: str, feature: str, table: str) -> None:
        """Run one feature. Raises AssertionError with what the program wrote if it fails."""
        argv = [*self.run, url, password, feature, table]
        ran = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=RUN_SECONDS)
        assert ran.returncode == 0, (ran.stdout + ran.stderr)[-3000:]


def _fetch(argv: Sequence[str], folder: Path) -> None:
    try:
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise NotFetchedError(str(error)) from None
    if done.returncode:
        raise NotFetchedError((done.stdout + done.stderr).strip()[-300:])


def _java(name: str, main: str, version: str, lacks: Mapping[str, str]) -> Client:
    # Far less than the streamed result needs as objects.
    run = ("java", "-Xmx96m", "-XX:+UseSerialGC", "-cp", "classes:target/dependency/*", main)
    fetch = ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-Dclickhouse.version={version}"]
    build = ["javac", "-d", "classes", "-cp", "target/dependency/*"]
    sources = [f"src/{file}.java" for file in ("Check", "Line", "V2", "Jdbc")]
    return Client(
        f"{name} {version}", "java", ("mvn", "javac", "java"), [fetch], run, [[*build, *sources]],
        ("none", "lz4 blocks", "lz4 of HTTP"), lacks,
    )  # fmt: skip


def _python(name: str, kind: str, compressions: tuple[str, ...], lacks: Mapping[str, str]) -> Client:
    fetch = [
        [sys.executable, "-m", "venv", "venv"],
        ["venv/bin/python", "-m", "pip", "install", "-q", "-r", "requirements.txt"],
    ]
    return Client(name, "python", (), fetch, ("venv/bin/python", "client.py", kind), (), compressions, lacks)


_NO_TABLES = {"external": "not offered"}
_READS = dict.fromkeys(("ping", "compressed", "parameters", "late error", "cancelled", "session", "external"), "reads")
_JAVA = ("0.8.6", "0.9.9", "0.10.0")

CLIENTS = {
    client.name: client
    for client in (
        *(_java("Java client-v2", "V2", version, _NO_TABLES) for version in _JAVA),
        *(_java("Java JDBC", "Jdbc", version, _NO_TABLES) for version in _JAVA),
        Client(
            "Go clickhouse-go 2.51", "go", ("go",), [["go", "mod", "download"]], ("./client",),
            [["env", "GOPROXY=off", "GOTOOLCHAIN=local", "go", "build", "-o", "client", "."]],
            ("lz4", "zstd", "gzip", "br", "deflate"),
        ),
        Client(
            "Rust clickhouse 0.14", "rust", ("cargo",), [["cargo", "fetch", "--quiet"]], ("target/debug/client",),
            [["cargo", "build", "--offline", "--quiet"]], ("lz4 blocks",), _NO_TABLES,
        ),
        Client(
            "Node @clickhouse/client 1.23", "node", ("npm", "node"),
            [["npm", "install", "--silent", "--no-audit", "--no-fund"]],
            ("node", "--max-old-space-size=256", "client.js"), (), ("gzip",), _NO_TABLES,
        ),
        _python("clickhouse-connect 1.12", "connect", ("lz4", "zstd", "gzip", "br"), {}),
        _python(
            "clickhouse-connect 1.12, asyncio", "connect-async", (),
            dict.fromkeys(("compressed", "session", "external"), "as above"),
        ),
        _python("connectorx 0.4 (polars)", "connectorx", (), _READS),
        _python("polars 2.1 (Arrow)", "polars", (), _READS),
    )
}  # fmt: skip
