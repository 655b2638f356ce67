"""The HTML of the site's pages: a fragment in `pages/`, and around it scripts from files and nothing inline.

A page's plan is in an attribute, since an inline script would be against its own policy.
"""

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.browsers.subjects import Subject

PAGES = Path(__file__).parent / "pages"


@dataclass(frozen=True)
class Plan:
    """What a page is to do: the address `/p/PAGE/KEY` stands for it."""

    run: str
    key: str
    page: str
    user: str
    endpoint: str
    subject: bool = True
    """Whether it has a recorder; one without is where a user goes to."""
    options: Mapping[str, Any] = field(default_factory=dict)
    variants: Sequence[str] = ()
    trusted_types: bool = False
    early: bool = False
    """Whether its stub is loaded first, and the recorder itself when it comes. Only for subjects that have one."""
    late: float = 0.0
    """How much later the recorder's own script comes (s)."""
    polled: bool = False
    record: Sequence[str] = ()
    """Artworks that it records at once."""
    record_options: Mapping[str, Any] = field(default_factory=dict)
    head: str = ""
    """More for its head; scripts by their address only."""
    headers: Mapping[str, str] = field(default_factory=dict)

    def for_page(self) -> dict[str, Any]:
        """Return what its scripts see."""
        return {
            "run": self.run,
            "key": self.key,
            "user": self.user,
            "endpoint": self.endpoint,
            "subject": self.subject,
            "options": self.options,
            "variants": self.variants,
            "polled": self.polled,
            "record": self.record,
            "recordOptions": self.record_options,
            "late": self.late,
        }


def policy(plan: Plan) -> str:
    """Return the Content-Security-Policy: what a careful site has."""
    parts = [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "frame-src 'self'",
        f"connect-src 'self' {plan.endpoint}",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    if plan.trusted_types:
        parts += ["require-trusted-types-for 'script'", "trusted-types 'none'"]
    return "; ".join(parts)


def page(plan: Plan, subject: Subject) -> str:
    """Return the page's HTML. Raises FileNotFoundError for a page that there isn't."""
    data = html.escape(json.dumps(plan.for_page()), quote=True)
    body = (PAGES / f"{plan.page}.html").read_text()
    return (
        f'<!doctype html>\n<html lang="en" data-plan="{data}">\n<head><meta charset="utf-8"><title>{plan.page}</title>'
        f'<link rel="stylesheet" href="/static/page.css">\n{_scripts(plan, subject)}</head>\n'
        f"<body>{body}{_tag('/static/start.js')}</body></html>\n"
    )


def _scripts(plan: Plan, subject: Subject) -> str:
    own = [_tag("/static/page.js"), _tag("/static/variants.js")]
    tags: list[str] = []
    late = f"?late={plan.late:g}"
    if plan.subject and plan.early:
        tags += [_tag(f"/subject/{name}") for name in subject.early]
        tags += [_tag(f"/subject/{name}{late}", " async") for name in subject.scripts if name not in subject.early]
    elif plan.subject:
        tags += [_tag(f"/subject/{name}{late}") for name in subject.scripts]
    # What is wrong with a browser is so before a tracker loads: some look at their storage as soon as they do.
    return "".join([*own, plan.head, *tags] if subject.stub else [*own, *tags, plan.head])


def _tag(source: str, how: str = "") -> str:
    return f'<script src="{source}"{how}></script>\n'
