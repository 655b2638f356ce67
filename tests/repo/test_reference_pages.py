"""The references of the command line and the settings say what the code says, and leave nothing out."""

import ast
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams import cli
from streams.settings import Settings
from tools import cli_page, limits_page, settings_page

NUMBERS = [name for name, field in Settings.model_fields.items() if field.annotation in (int, float)]
COMMANDS = [pytest.param(words, id=words) for words, _ in cli_page.commands()]


def section(page: str, title: str) -> str:
    """Return what stands below a heading, up to the next of any level."""
    return re.split(r"^#+ ", page.split(f"# {title}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


def test_the_pages_match_the_code() -> None:
    assert cli_page.PAGE.read_text() == cli_page.page(), "run `make schemas`"
    assert settings_page.PAGE.read_text() == settings_page.page(), "run `make schemas`"
    assert limits_page.PAGE.read_text() == limits_page.page(), "run `make schemas`"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_setting_has_its_meaning_values_and_default(name: str) -> None:
    field = Settings.model_fields[name]
    text = section(settings_page.page(), settings_page.variable(name, field))
    assert (field.description or "") in " ".join(text.split())
    assert re.search(r"^- Value: \S", text, re.MULTILINE)
    assert f"- Default: {'none' if field.default in (None, '') else f'`{field.default}`'}\n" in text


@pytest.mark.parametrize("name", NUMBERS)
def test_each_number_has_its_limits_and_unit(name: str) -> None:
    text = section(settings_page.page(), settings_page.variable(name, Settings.model_fields[name]))
    units = "in (s|ms|MiB|records|rows|replicas)|impressions|a port|connections|a second|at once|a share"
    assert re.search(rf"number from [\d.,]+ to [\d.,]+, ({units})$", text, re.MULTILINE)


def test_a_number_without_a_unit_is_refused() -> None:
    with pytest.raises(KeyError):
        settings_page.unit("patience")


@pytest.mark.parametrize("words", COMMANDS)
def test_each_command_names_the_options_that_its_help_names(words: str) -> None:
    shown = CliRunner().invoke(cli.app, [*words.split()[1:], "--help"], terminal_width=400).output
    text = section(cli_page.page(), words)
    options = set(re.findall(r"(?<![\w-])--[a-z-]+", shown)) - {"--help"}
    assert options <= set(re.findall(r"--[a-z-]+", text))
    assert ("```bash\n" in text) == ("Example:" in shown)
    assert "Example:" not in text


def test_hidden_commands_are_left_out() -> None:
    named = {words for words, _ in cli_page.commands()}
    assert "impressions supervise" not in named
    assert {"impressions up", "impressions catalogue", "impressions catalogue load"} <= named


def test_defaults_and_limits_are_named() -> None:
    assert "`--every NUMBER`: Seconds between two looks. (at least 0.5; at most 3,600; default: `2.0`)" in (
        cli_page.page()
    )
    assert "`--batch INTEGER`: Most impressions per flush. (default: `200`)" in cli_page.page()


def exits(source: str) -> dict[str, str]:
    """Return the docstrings of the commands in a module that end with an exit code of their own."""
    commands = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    return {each.name: ast.get_docstring(each) or "" for each in commands if "raise typer.Exit(" in ast.unparse(each)}


def test_a_command_with_an_exit_code_of_its_own_says_which() -> None:
    streams = Path(cli.__file__).parent
    modules = [streams / "cli.py", *streams.glob("*/command.py")]
    found = {name: text for path in modules for name, text in exits(path.read_text()).items()}
    assert {"status", "doctor", "produce", "load"} <= set(found)
    assert not [name for name, text in found.items() if not cli_page.EXITS.search(text)]


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        ("impressions status", "1 if anything that was started is down; 0, 2, 130 as [above](#exit-codes)."),
        ("impressions provision", "0, 2, 130 as [above](#exit-codes)."),
        ("impressions worker", "0, 2, 70, 75, 78, 130 as [above](#exit-codes)."),
    ],
)
def test_exit_codes_of(words: str, codes: str) -> None:
    assert f"**Exit codes** {codes}" in " ".join(section(cli_page.page(), words).split())
