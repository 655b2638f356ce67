"""Parse a Dockerfile's instructions, as far as the project's uses them."""

import json
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Instruction(NamedTuple):
    """One instruction with its lines joined; `stage` counts from 0."""

    stage: int
    name: str
    text: str


def instructions(path: Path = ROOT / "Dockerfile") -> list[Instruction]:
    """Read the instructions of a Dockerfile."""
    text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE)
    stage, found = -1, []
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.strip():
            name, _, rest = line.partition(" ")
            stage += name == "FROM"
            found.append(Instruction(stage, name, rest.strip()))
    return found


def copied(stage: int = 0) -> dict[str, str]:
    """What a stage copies from the checkout: source and target."""
    pairs: dict[str, str] = {}
    for each in instructions():
        if each.stage == stage and each.name == "COPY" and not each.text.startswith("--from"):
            *sources, target = each.text.split()
            for source in sources:
                pairs[source] = f"{target}{Path(source).name}" if target.endswith("/") else target
    return pairs


def environment(stage: int = 1) -> dict[str, str]:
    """What ENV sets in a stage."""
    return {
        name: value
        for each in instructions()
        if each.stage == stage and each.name == "ENV"
        for name, value in (pair.split("=", 1) for pair in each.text.split())
    }


def one(name: str, stage: int) -> str:
    """The text of the stage's only instruction of this kind."""
    (found,) = (each.text for each in instructions() if each.stage == stage and each.name == name)
    return found


def healthcheck() -> list[str]:
    """The command of HEALTHCHECK."""
    _, _, command = one("HEALTHCHECK", 1).partition("CMD ")
    argv: list[str] = json.loads(command)
    return argv
