"""Writes docs/reference/cli.md from the command line's own texts: `python -m tools.cli_page`."""

import re
import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from textwrap import fill
from typing import Any, get_args, get_origin

from typer.main import get_command

from streams.cli import app
from streams.runtime.exit import EXIT_CONFIG, EXIT_DEFECT, EXIT_RESTART

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "cli.md"
INTRODUCTION = f"""# The command line

Made from the texts of `impressions --help` by `make schemas`. `python -m streams` is the same. Settings, such as the
brokers' address, are [environment variables](settings.md).

## Exit codes

| code | means |
|---:|---|
| 0 | done; for a process that runs until SIGTERM: it was asked to end |
| 1 | done in part, or the answer is no: each command says when; or a defect of ours, with its stack trace |
| 2 | not done: an argument or a setting is wrong, or something is missing; one sentence says what |
| {EXIT_DEFECT} | worker and sink: a defect of ours, with its stack trace in the log |
| {EXIT_RESTART} | worker and sink: it can't go on, a new process can; whoever supervises it should restart it |
| {EXIT_CONFIG} | worker and sink: going on would be wrong until a person has changed something; the log says what |
| 130 | Ctrl-C |
"""
# Commands that end as `streams.runtime.exit` says, too.
RUNNING = {"impressions worker", "impressions sink"}
EXITS = re.compile(r"\s*Exits with ([^.]+)\.")
# What stands for a value of a type.
VALUES = {str: "TEXT", int: "INTEGER", float: "NUMBER", Path: "FILE"}
WIDTH = 120


def page() -> str:
    """Return the page: the same text for the same command line."""
    return "\n".join([INTRODUCTION, *("\n\n".join(_section(*each)) + "\n" for each in commands())])


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command that --help shows, with the words that name it, in that order.

    The first is `impressions` itself, if it has options of its own.
    """
    command = get_command(app)
    if command.params:
        yield "impressions", command
    yield from _below("impressions", command)


def _below(words: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if not command.hidden:
            yield f"{words} {name}", command
            yield from _below(f"{words} {name}", command) if hasattr(command, "commands") else ()


def _section(words: str, command: Any) -> Iterator[str]:
    text, _, examples = cleandoc(command.help).partition("Example:")
    yield f"## {words}"
    yield f"```\n{usage(words, command)}\n```"
    yield from (_wrapped(paragraph) for paragraph in EXITS.sub("", text).strip().split("\n\n"))
    shown = [parameter for parameter in command.params if not parameter.hidden]
    for title, group in (
        ("Arguments", [each for each in shown if each.param_type_name == "argument"]),
        ("Options", [each for each in shown if each.param_type_name == "option"]),
    ):
        if group:
            yield f"**{title}**"
            yield "\n".join(_wrapped(_entry(each), "- ", "  ") for each in group)
    if not hasattr(command, "commands"):
        yield _wrapped(f"**Exit codes** {_exits(words, text)}")
    if examples:
        yield "**Example**"
        yield "```bash\n" + "\n".join(_examples(examples)) + "\n```"


def _exits(words: str, text: str) -> str:
    """Return a command's own exit codes, and those that mean the same everywhere."""
    own = [re.sub(r"\s+", " ", each) for each in EXITS.findall(text)]
    shared = ["0", "2", *map(str, (EXIT_DEFECT, EXIT_RESTART, EXIT_CONFIG) if words in RUNNING else ()), "130"]
    return "; ".join([*own, f"{', '.join(shared)} as [above](#exit-codes)"]) + "."


def usage(words: str, command: Any) -> str:
    """Return a command's synopsis."""
    if hasattr(command, "commands"):
        return f"{words} [OPTIONS] COMMAND" if command.params else f"{words} COMMAND"
    named = [each for each in command.params if each.param_type_name == "argument"]
    options = " [OPTIONS]" if len(named) < len(command.params) else ""
    return words + options + "".join(f" {_argument(each)}" for each in named)


def _argument(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name).upper() + ("..." if parameter.nargs == -1 else "")
    return name if parameter.required else f"[{name}]"


def _entry(parameter: Any) -> str:
    kind = _type(parameter)
    if parameter.param_type_name == "argument":
        name = f"`{_argument(parameter)}`"
    elif kind is bool:
        name = ", ".join(f"`{each}`" for each in (*parameter.opts, *parameter.secondary_opts))
    else:
        name = f"`{', '.join(parameter.opts)} {parameter.metavar or VALUES[kind]}`"
    facts = [*_limits(parameter), *_default(parameter, kind)]
    return f"{name}: {parameter.help}" + (f" ({'; '.join(facts)})" if facts else "")


def _type(parameter: Any) -> Any:
    """Return the type of one value: of str | None and list[str], it is str."""
    kind = parameter.type_descriptor.annotation
    while get_origin(kind) is not None:
        kind = next(each for each in get_args(kind) if each is not type(None))
    return kind


def _limits(parameter: Any) -> Iterator[str]:
    if parameter.min is not None:
        yield f"at least {parameter.min:,}"
    if parameter.max is not None:
        yield f"at most {parameter.max:,}"


def _default(parameter: Any, kind: Any) -> Iterator[str]:
    if kind is bool:
        yield f"default: {'on' if parameter.default else 'off'}"
    elif parameter.default not in (None, ""):
        yield f"default: `{parameter.default}`"


def _examples(text: str) -> Iterator[str]:
    """Yield examples: in a docstring, wide gaps part them, and a remark follows in parentheses."""
    lines: list[str] = []
    for part in re.split(r" {4,}", re.sub(r"\n *", " ", text).strip()):
        if part.startswith("("):
            lines[-1] += f"  # {part.strip('()')}"
        else:
            lines.append(part)
    for line in lines:
        yield fill(line, WIDTH - 4, subsequent_indent="    ", break_on_hyphens=False).replace("\n", " \\\n")


def _wrapped(text: str, first: str = "", others: str = "") -> str:
    return fill(text, WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE}\n")
