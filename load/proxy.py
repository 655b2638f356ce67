"""Caddy in front of two collectors, built from its source with Go."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from streams.embedded.components import http_get
from streams.embedded.ports import Address, free_pair
from streams.embedded.program import Program
from streams.embedded.run_folder import RunFolder
from streams.embedded.tool import run
from streams.errors import UserError
from streams.settings import Settings

VERSION = "v2.11.9"
MODULE = "github.com/caddyserver/caddy/v2/cmd/caddy"
# Some hundred Go packages, once.
BUILD_SECONDS = 1_800.0
START_SECONDS = 30.0
NAME, HOST = "proxy", "127.0.0.1"
CADDYFILE = Path(__file__).resolve().parents[1] / "deploy" / "Caddyfile"

Out = Callable[[str], None]


class ProxyError(UserError):
    """There is no proxy, and so no run with one."""


def caddy(folder: Path, out: Out) -> Path:
    """Return Caddy's program, built into `folder` the first time. Raises ProxyError if Go is missing, or fails."""
    program = folder / f"caddy-{VERSION}" / "caddy"
    if program.exists():
        return program
    if shutil.which("go") is None:
        raise ProxyError("Go is missing, which builds the proxy of the rolling restart: install Debian's golang-go.")
    out(f"building Caddy {VERSION} (once; some minutes)")
    environment = {"GOBIN": str(program.parent.resolve()), "CGO_ENABLED": "0"}
    done = run(["go", "install", f"{MODULE}@{VERSION}"], seconds=BUILD_SECONDS, environment=environment)
    if done.returncode:
        raise ProxyError(f"Go could not build Caddy: {(done.stderr.strip().splitlines() or ['it says nothing'])[-1]}")
    return program


@contextmanager
def proxying(settings: Settings, program: Path, collectors: Sequence[Address]) -> Iterator[str]:
    """Run the proxy of deploy/Caddyfile without TLS; yield its address. Raises UserError if it doesn't start."""
    port = free_pair()
    url, own = f"http://{HOST}:{port}", str(settings.data_dir)
    environment = {
        "COLLECTOR_DOMAIN": url,
        "COLLECTORS": " ".join(map(str, collectors)),
        "CADDY_ADMIN": f"{HOST}:{port + 1}",
        # It would keep certificates and its last configuration in the home of whoever runs it.
        "HOME": own,
        "XDG_DATA_HOME": own,
        "XDG_CONFIG_HOME": own,
    }
    argv = [str(program), "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
    proxy = Program(NAME, RunFolder(settings.data_dir), argv, environment)
    proxy.start()
    try:
        proxy.wait_until(lambda: http_get(Address(HOST, port), "/healthz") is not None, START_SECONDS)
        yield url
    finally:
        proxy.stop()
