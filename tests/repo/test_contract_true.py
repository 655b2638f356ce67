"""docs/contract.md names the commands, targets, topics and settings as they are."""

import re

import pytest
import typer.main

from streams.cli import app
from streams.provision import topics_file
from streams.settings import Settings
from tests.repo.test_contract_cited import CONTRACT
from tests.repo.test_files import ROOT

HEAD, *SECTIONS = re.split(r"^## ", CONTRACT.read_text(), flags=re.MULTILINE)
COMMANDS, TOPICS = SECTIONS[:2]
DAY_MS = 86_400_000


def table(section: str, head: str) -> list[list[str]]:
    """The rows of the table with this first heading, each a list of cells."""
    (found,) = re.findall(rf"^\| {head} \|.*\n\|[-:|]+\|\n((?:\|.*\n)+)", section, flags=re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in found.splitlines()]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_contract_lists_exactly_the_commands_that_exist() -> None:
    command = typer.main.get_command(app)
    exist = {name for name, each in command.commands.items() if not each.hidden}  # type: ignore[attr-defined]
    assert {name for row in table(COMMANDS, "command") for name in names(row[0])} == exist


def test_the_contracts_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    promised = {name.removeprefix("make ") for row in table(COMMANDS, "target") for name in names(row[0])}
    assert promised
    assert promised <= set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))


def test_the_topics_and_their_cleanup_are_as_declared() -> None:
    declared = {name: each for name, each in topics_file.load(Settings()).items() if not each.binary}
    said = {names(row[0])[0]: row[3] for row in table(TOPICS, "topic")}
    assert said == {
        name: each.cleanup if each.cleanup == "compact" else f"delete, {each.retention_ms // DAY_MS} days"
        for name, each in declared.items()
    }


def test_the_changelogs_are_as_declared() -> None:
    assert set(re.findall(r"`(impressions-\w+-changelog)`", TOPICS)) == {
        name for name, each in topics_file.load(Settings()).items() if each.binary
    }


@pytest.mark.parametrize(("cell", "default"), [row[:2] for row in table(COMMANDS, "setting")])
def test_each_settings_default_is_the_codes(cell: str, default: str) -> None:
    (variable,) = names(cell)
    field = Settings.model_fields[variable.removeprefix("IMPRESSIONS_").lower()]
    assert default.strip("`") == str(field.default)
