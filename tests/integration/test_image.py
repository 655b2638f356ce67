"""The Dockerfile's steps, run without Docker: what it copies, installs and sets, its command, its healthcheck."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Gauge

from streams.embedded.components import environment as settings_of
from streams.embedded.components import http_get
from streams.embedded.ports import Address
from streams.runtime import health
from tests.support import dockerfile
from tests.support.stack import Installation, metrics_port
from tests.support.wait import until

# The install takes a minute if the packages are cached; otherwise it depends on the network.
INSTALL_SECONDS = 900.0
SECONDS = 60.0
pytestmark = [pytest.mark.integration, pytest.mark.timeout(INSTALL_SECONDS + 300)]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the build stage makes, from only what it copies."""
    folder = tmp_path_factory.mktemp("image")
    source, target = folder / "source", folder / "impressions"
    for name, place in dockerfile.copied().items():
        origin, goal = dockerfile.ROOT / name, source / place
        goal.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, goal, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(origin, goal)
    command = dockerfile.one("RUN", 0).replace("/opt/impressions", str(target))
    done = subprocess.run(
        ["sh", "-c", command], cwd=source, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return target


@pytest.fixture
def variables(image: Path, installation: Installation, tmp_path: Path) -> dict[str, str]:
    """The variables that the image sets, with this machine's addresses of the shared stack."""
    port = metrics_port()
    given = {name: value.replace("/opt/impressions", str(image)) for name, value in dockerfile.environment().items()}
    given["PATH"] = given["PATH"].replace("$PATH", "/usr/bin:/bin")
    given["HEALTH_URL"] = given["HEALTH_URL"].replace(":9101", f":{port}")
    stack = settings_of(installation.settings)
    here = {"IMPRESSIONS_DATA_DIR": str(tmp_path), "IMPRESSIONS_METRICS_PORT": str(port)}
    return {**stack, **given, **here, "IMPRESSIONS_METRICS_HOST": "127.0.0.1"}


def run(variables: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as in a container: without this machine's variables and without access to the checkout."""
    folder = variables["IMPRESSIONS_DATA_DIR"]
    return subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=SECONDS
    )


def test_the_image_contains_what_the_package_needs_and_no_tools(image: Path, variables: dict[str, str]) -> None:
    python = str(image / "bin" / "python")
    listed = run(
        variables, python, "-c", "from importlib import metadata as m; print(*[d.name for d in m.distributions()])"
    )
    names = set(listed.stdout.lower().split())
    assert {"impression-streams", "faust-streaming", "confluent-kafka", "clickhouse-connect"} <= names
    assert not names & {"pip", "setuptools", "pytest", "mypy", "ruff", "matplotlib", "hypothesis"}


def test_its_versions_are_those_of_the_lock_file(image: Path, variables: dict[str, str]) -> None:
    code = "from importlib import metadata as m; print(*[f'{d.name}=={d.version}' for d in m.distributions()])"
    listed = {_normal(each) for each in run(variables, str(image / "bin" / "python"), "-c", code).stdout.split()}
    lock = (dockerfile.ROOT / "requirements.lock").read_text().splitlines()
    locked = {_normal(line.split(" ")[0]) for line in lock if "==" in line and not line.startswith(" ")}
    assert {each for each in listed if not each.startswith("impression-streams==")} <= locked


def _normal(pin: str) -> str:
    name, _, version = pin.partition("==")
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"


def test_the_command_line_works(variables: dict[str, str], installation: Installation) -> None:
    assert "worker" in run(variables, "impressions", "--help").stdout
    settings = run(variables, "impressions", "settings")
    assert f"IMPRESSIONS_DATA_DIR={variables['IMPRESSIONS_DATA_DIR']}" in settings.stdout
    # It finds topics.yaml, the broker and ClickHouse; everything has already been provisioned.
    login = {"IMPRESSIONS_CLICKHOUSE_PASSWORD": installation.settings.clickhouse_password}
    looked = run({**variables, **login}, "impressions", "provision", "--dry-run")
    assert looked.returncode == 0, looked.stderr
    assert {line[0] for line in looked.stdout.splitlines()} <= {"=", "?"}  # notes are about what other tests left


@pytest.fixture
def worker(installation: Installation, variables: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The image's own command, after stopping the checkout's workers."""
    installation.no_worker()
    log = Path(variables["IMPRESSIONS_DATA_DIR"], "log")
    command = [*json.loads(dockerfile.one("ENTRYPOINT", 1)), *json.loads(dockerfile.one("CMD", 1))]
    with log.open("wb") as out:
        path = shutil.which(command[0], path=variables["PATH"])
        assert path
        process = subprocess.Popen([path, *command[1:]], cwd=log.parent, env=variables, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.kill()
        process.wait(SECONDS)


def test_its_healthcheck_reports_whether_its_command_runs(
    worker: subprocess.Popen[bytes], variables: dict[str, str]
) -> None:
    until(lambda: run(variables, *dockerfile.healthcheck()).returncode == 0, SECONDS, "the healthcheck passes")
    assert worker.poll() is None
    folder = Path(variables["IMPRESSIONS_DATA_DIR"])
    assert (folder / "claims" / "worker-0").exists()
    address = Address("127.0.0.1", int(variables["IMPRESSIONS_METRICS_PORT"]))
    until(lambda: http_get(address, "/readyz"), SECONDS, "the worker is ready")
    assert (folder / "state" / "worker-0").is_dir()
    worker.terminate()
    assert worker.wait(SECONDS) == 0
    assert run(variables, *dockerfile.healthcheck()).returncode != 0


def test_the_healthcheck_fails_for_a_worker_that_hangs(variables: dict[str, str]) -> None:
    """It asks /healthz, which is 503 while the watchdog sees a stall (tests/integration/test_watchdog.py)."""
    well = health.Health(Gauge("ready", "", registry=CollectorRegistry()))
    health.serve("127.0.0.1", int(variables["IMPRESSIONS_METRICS_PORT"]), well, CollectorRegistry())
    assert run(variables, *dockerfile.healthcheck()).returncode == 0
    well.why = "Nothing moved."
    assert run(variables, *dockerfile.healthcheck()).returncode != 0
