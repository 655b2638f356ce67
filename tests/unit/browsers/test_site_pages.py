"""Pages of the site: nothing inline, only files of their own origin, and a plan that can't end its attribute."""

import json
import re
from html import unescape

from tests.browsers.site.pages import Plan, page, policy
from tests.browsers.subjects import CONTROL, RECORDER

PLAN = Plan("run", "key", "page", "u1", "http://127.0.0.1:9", options={"surface": "\"'><script>"}, variants=["noLocks"])


def test_every_script_is_a_file_and_the_plan_is_an_attribute() -> None:
    text = page(PLAN, CONTROL)
    scripts = re.findall(r"<script([^>]*)>([^<]*)</script>", text)
    assert [body for _, body in scripts] == [""] * len(scripts)
    assert all(source.startswith(' src="/') for source, _ in scripts)
    (data,) = re.findall(r'data-plan="([^"]*)"', text)
    plan = json.loads(unescape(data))
    assert (plan["user"], plan["options"]["surface"], plan["variants"]) == ("u1", "\"'><script>", ["noLocks"])


def test_a_page_without_a_recorder_loads_none() -> None:
    away = Plan("run", "key", "other", "u1", "http://127.0.0.1:9", subject=False)
    assert "/subject/" not in page(away, CONTROL)


def test_a_stub_comes_before_the_script_that_is_late() -> None:
    early = Plan("run", "key", "page", "u1", "http://127.0.0.1:9", early=True, late=5)
    names = re.findall(r'src="/subject/([^"]+)"( async)?', page(early, RECORDER))
    assert names == [("stub.js", ""), ("adapter.js", ""), ("recorder.js?late=5", " async")]


def test_the_policy_allows_the_collector_and_nothing_inline() -> None:
    text = policy(PLAN)
    assert "connect-src 'self' http://127.0.0.1:9" in text
    assert "unsafe" not in text
    assert "trusted-types" not in text
