"""Caddy in front of two collectors, built from its source with Go."""

import json
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

Out = Callable[[str], None]


def caddy(folder: Path, out: Out) -> Path:
    """Return Caddy's program, built into `folder` the first time. Raises UserError without Go."""
    program = folder / f"caddy-{VERSION}" / "caddy"
    if program.exists():
        return program
    if shutil.which("go") is None:
        raise UserError("Go is missing, which builds the proxy of the rolling restart: install Debian's golang-go.")
    out(f"building Caddy {VERSION} (once; some minutes)")
    environment = {"GOBIN": str(program.parent.resolve()), "CGO_ENABLED": "0"}
    done = run(["go", "install", f"{MODULE}@{VERSION}"], seconds=BUILD_SECONDS, environment=environment)
    if done.returncode:
        raise UserError(f"Go could not build Caddy: {(done.stderr.strip().splitlines() or ['it says nothing'])[-1]}")
    return program


def configuration(port: int, health_port: int, collectors: Sequence[Address]) -> dict[str, object]:
    """Return Caddy's configuration: requests go to whichever collector is ready, and only there.

    A connection that is refused was never used, so its request goes to another collector; nothing else is repeated
    here: that is the users' to do.
    """
    upstreams = [{"dial": str(each)} for each in collectors]
    forward = {
        "handler": "reverse_proxy",
        "upstreams": upstreams,
        "load_balancing": {"selection_policy": {"policy": "least_conn"}, "try_duration": "5s", "try_interval": "50ms"},
        "health_checks": {
            "active": {"uri": "/readyz", "interval": "250ms", "timeout": "1s", "expect_status": 200},
            "passive": {"fail_duration": "1s", "max_fails": 1},
        },
        "transport": {"protocol": "http", "keep_alive": {"idle_timeout": "4s", "max_idle_conns_per_host": 256}},
    }
    ready = {"listen": [f"{HOST}:{health_port}"], "routes": [{"handle": [{"handler": "static_response"}]}]}
    users = {
        "listen": [f"{HOST}:{port}"],
        "routes": [{"handle": [forward]}],
        "automatic_https": {"disable": True},
        "idle_timeout": "5m",
    }
    return {
        "admin": {"disabled": True},
        "logging": {"logs": {"default": {"level": "WARN"}}},
        "apps": {"http": {"servers": {"users": users, "ready": {**ready, "automatic_https": {"disable": True}}}}},
    }


@contextmanager
def proxying(settings: Settings, program: Path, collectors: Sequence[Address]) -> Iterator[str]:
    """Run the proxy; yield its address. Raises UserError if it doesn't start."""
    folder, port = RunFolder(settings.data_dir), free_pair()
    file = settings.data_dir / "proxy.json"
    file.write_text(json.dumps(configuration(port, port + 1, collectors), indent=1))
    home = {
        "HOME": str(settings.data_dir),
        "XDG_DATA_HOME": str(settings.data_dir),
        "XDG_CONFIG_HOME": str(settings.data_dir),
    }
    proxy = Program(NAME, folder, [str(program), "run", "--config", str(file)], home)
    proxy.start()
    try:
        proxy.wait_until(lambda: http_get(Address(HOST, port + 1), "/") is not None, START_SECONDS)
        yield f"http://{HOST}:{port}"
    finally:
        proxy.stop()
