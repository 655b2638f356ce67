"""Writes docs/reference/sdk.md from the SDK's docstrings: `python -m tools.sdk_page`."""

import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import impression_streams

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "sdk.md"
INTRODUCTION = """# The SDK

Made from the docstrings of `impression_streams` by `make schemas`. How to use it, with examples, is in
[Recording impressions from Python](../sdk.md).
"""
WIDTH = 120


def page() -> str:
    """Return the page: the same text for the same docstrings."""
    public = {name: getattr(impression_streams, name) for name in impression_streams.__all__}
    functions = [name for name in public if inspect.isfunction(public[name])]
    classes = sorted((name for name in public if name not in functions), key=lambda name: "Producer" not in name)
    sections = [INTRODUCTION, *(_class(public[name]) for name in classes), *(_function(public[n]) for n in functions)]
    return "\n".join(sections)


def _class(cls: type) -> str:
    parts = [f"## {cls.__name__}"]
    if dataclasses.is_dataclass(cls) or "Producer" in cls.__name__:
        parts.append(_signature(cls.__name__, cls))
    parts.append(_text(cls.__doc__))
    if issubclass(cls, BaseModel):
        parts.append("\n".join(f"- `{name}`" for name in cls.model_fields))
    if "Producer" in cls.__name__:
        made = next(vars(base)["__init__"] for base in inspect.getmro(cls) if "__init__" in vars(base))
        parts += ["**Settings**", _text(inspect.getdoc(made))]
    for name, member in _members(cls):
        if isinstance(member, property):
            parts += [f"### {cls.__name__}.{name}", _text(member.__doc__)]
        else:
            parts += [f"### {cls.__name__}.{name}", _signature(name, member), _text(member.__doc__)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _function(function: Callable[..., Any]) -> str:
    name = function.__name__
    return "\n\n".join([f"## {name}", _signature(name, function), _text(function.__doc__)]) + "\n"


def _members(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield the public members that the SDK itself defines, a class's own first."""
    seen: set[str] = set()
    for owner in inspect.getmro(cls):
        if owner.__module__.startswith("impression_streams") and owner.__name__ != "Strict":
            for name, member in vars(owner).items():
                ours = isinstance(member, property) or inspect.isfunction(member)
                if ours and not name.startswith("_") and not name.endswith("_at_exit") and name not in seen:
                    seen.add(name)
                    yield name, member


def _signature(name: str, target: Any) -> str:
    signature = inspect.signature(target)
    start = f"{'async ' if inspect.iscoroutinefunction(target) else ''}{name}"
    shown = [p for p in signature.parameters.values() if p.name != "self"]
    result = signature.return_annotation
    end = "" if isinstance(target, type) or result in (None, inspect.Signature.empty) else f" -> {_type(result)}"
    lines: list[str] = []
    for number, parameter in enumerate(shown):
        if parameter.kind is parameter.KEYWORD_ONLY and (
            not number or shown[number - 1].kind is not parameter.KEYWORD_ONLY
        ):
            lines.append("*")
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        lines.append(f"{parameter.name}: {_type(parameter.annotation)}{default}")
    short = f"{start}({', '.join(lines)}){end}"
    if len(short) > WIDTH:
        short = "\n".join([f"{start}(", *(f"    {line}," for line in lines), f"){end}"])
    return f"```python\n{short}\n```"


def _type(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Za-z])", "", text).replace("NoneType", "None")


def _text(docstring: str | None) -> str:
    """Return a docstring as Markdown: examples become blocks of code, "Promises" a bold line before its list."""
    lines: list[str] = []
    code = False
    for line in inspect.cleandoc(docstring or "").splitlines():
        is_code = line.startswith((">>> ", "... "))
        if is_code != code:
            lines.append("```python" if is_code else "```")
            code = is_code
        lines.append(line[4:] if is_code else line)
        if line == "Promises":
            lines[-1:] = ["**Promises**", ""]
    if code:
        lines.append("```")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE}\n")
