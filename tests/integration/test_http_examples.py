"""The examples for backends in other languages, each run as docs/http.md says, against a collector that misbehaves."""

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import misbehaving_collector as does
from tests.support.collector import HeldLog, running_collector
from tests.support.misbehaving_collector import Double, Fault, running_double
from tests.support.sdk import ROOT

pytestmark = pytest.mark.integration

PAGE = (ROOT / "docs" / "http.md").read_text()
ADDRESS = "http://127.0.0.1:8080"
# Go compiles its standard library when it is first used.
SECONDS = 280.0


@dataclass(frozen=True)
class Example:
    """An example, and the programs without which it can't run."""

    file: str
    tools: tuple[str, ...]

    def run(self, url: str, *ids: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the example's command of the docs, for another collector and other ids."""
        pattern = rf"^\| [^|]+ \| `([^`|]*{re.escape(self.file)}) {re.escape(ADDRESS)} u42 a0042` \|$"
        (command,) = re.findall(pattern, PAGE, re.MULTILINE)
        # Java would say on stderr that it has read options, which are for the tests' brokers.
        inherited = {name: value for name, value in os.environ.items() if name != "JAVA_TOOL_OPTIONS"}
        return subprocess.run(
            [*command.split(), url, *ids],
            cwd=ROOT,
            env={**inherited, "http_proxy": "", **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )


EXAMPLES = {
    "curl": Example("send.sh", ("curl", "awk", "sed")),
    "node": Example("send.mjs", ("node",)),
    "java": Example("Send.java", ("java", "javac")),
    "go": Example("send.go", ("go",)),
}
# Pauses without Retry-After grow: the first are the shortest.
MISBEHAVIOUR: list[Fault] = [
    does.forgets,
    does.half,
    does.status(200, body=b"<html>Sign in to the network</html>"),
    does.status(302, {"Location": "http://127.0.0.1:1/"}),
    does.status(503, {"Retry-After": "0"}),
    does.status(429, {"Retry-After": "1"}),
]


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> Example:
    found = EXAMPLES[request.param]
    for tool in found.tools:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    return found


@pytest.fixture
def double() -> Iterator[Double]:
    with running_double() as running:
        yield running


def test_the_same_is_sent_until_the_collector_says_that_it_is_stored(example: Example, double: Double) -> None:
    double.faults.extend(MISBEHAVIOUR)
    artworks = [f"a{number}" for number in range(30)]
    done = example.run(double.url, "u1", *artworks, IMPRESSIONS_TOKEN="a.token")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert json.loads(done.stdout) == {"accepted": 30, "rejected": []}
    bodies = {request.body for request in double.requests}
    assert len(bodies) == 1
    assert len(double.requests) >= len(MISBEHAVIOUR) + 1
    assert {request.headers["authorization"] for request in double.requests} == {"Bearer a.token"}
    # Stored three times over, by faults that store and the answer at last, with the same ids.
    assert len(set(double.lines)) == 1
    flush = json.loads(double.lines[0])
    assert [impression["artwork_id"] for impression in flush["impressions"]] == artworks
    assert Counter(Counter(double.ids()).values()) == {len(double.lines): 30}


def test_what_is_refused_is_kept_and_not_sent_again(example: Example, double: Double, tmp_path: Path) -> None:
    double.faults.append(does.status(403, body={"detail": "because"}))
    done = example.run(double.url, "u1", "a1", TMPDIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "because" in done.stderr
    assert "keep" in done.stderr
    assert len(double.requests) == 1


def test_the_first_example_of_the_page_is_taken_by_the_collector() -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    (script,) = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert ADDRESS in script
    with running_collector() as collector:
        shown = script.replace(ADDRESS, "http://{}:{}".format(*collector.address))
        done = subprocess.run(
            ["sh", "-c", shown],
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    (answer,) = re.findall(r"^answers `(.*)` once", PAGE, re.MULTILINE)
    assert (done.returncode, done.stdout) == (0, answer)


def test_the_collector_takes_it(example: Example) -> None:
    log = HeldLog()
    with running_collector(log) as collector:
        done = example.run("http://{}:{}".format(*collector.address), "u1", "a1", "a2")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert json.loads(done.stdout) == {"accepted": 2, "rejected": []}
    ((_, line),) = log.taken
    assert [each["artwork_id"] for each in json.loads(line)["impressions"]] == ["a1", "a2"]
