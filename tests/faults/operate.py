"""What an operator does to a system: runs commands, alone or several at once, and reads what they say."""

import os
import subprocess
import sys
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple

from streams.embedded.components import environment
from streams.runtime import members
from streams.runtime.exit import EXIT_CONFIG
from streams.settings import Settings
from tests.faults.system import ANSWER_SECONDS, SECONDS, System
from tests.support import with_failpoints
from tests.support.program import MemberProcess

# What `impressions` exits with after one sentence for a person.
EXIT_SENTENCE = 2


class Done(NamedTuple):
    """A command that has ended, and everything that it printed."""

    name: str
    code: int
    output: str


def start(
    system: System, name: str, settings: Settings | None = None, failpoints: bool = False
) -> subprocess.Popen[str]:
    """Start a command, with the given settings or the system's. Its failpoints are in the folder of its name."""
    program = [str(with_failpoints.__file__)] if failpoints else ["-m", "streams"]
    return subprocess.Popen(
        [sys.executable, *program, name],
        env={**os.environ, **environment(settings or system.settings)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(name: str, child: subprocess.Popen[str]) -> Done:
    """Wait for a command. It must succeed, or say in a sentence why it doesn't."""
    try:
        output, _ = child.communicate(timeout=SECONDS)
    finally:
        child.kill()
    done = Done(name, child.returncode, output)
    assert done.code in (0, EXIT_SENTENCE), done
    assert "Traceback" not in done.output, done
    return done


def together(system: System, names: Sequence[str], **changes: object) -> list[Done]:
    """Run commands at the same time, and wait for all of them."""
    settings = system.settings.model_copy(update=changes)
    started = [(name, start(system, name, settings)) for name in names]
    return [ended(name, child) for name, child in started]


def succeed(system: System, name: str, **changes: object) -> str:
    """Run a command that must succeed; return what it printed."""
    (done,) = together(system, [name], **changes)
    assert done.code == 0, done
    return done.output


def refuse(system: System, name: str, **changes: object) -> str:
    """Run a command that must refuse; return what it printed."""
    (done,) = together(system, [name], **changes)
    assert done.code == EXIT_SENTENCE, done
    return done.output


def readyz(system: System, name: str) -> str:
    """Return what a program answers to whether it is ready, `ready` or why not; empty if it doesn't answer."""
    program = system.keeper[name]
    port = members.port(system.settings, program.kind, program.index)
    connection = HTTPConnection(system.settings.metrics_host, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().read().decode().strip()
    except (OSError, HTTPException):
        return ""
    finally:
        connection.close()


def refused_worker(system: System, **changes: object) -> str:
    """Start a worker that must refuse; return its sentence. The keeper must not hold one of its name."""
    worker = MemberProcess("worker", system.settings.model_copy(update=changes))
    assert worker.start().wait_exit() == EXIT_CONFIG, worker.output()
    output = worker.output()
    assert "Traceback" not in output, output
    sentences = [line for line in output.splitlines() if '"refused"' in line]
    assert sentences, output
    return sentences[-1]
