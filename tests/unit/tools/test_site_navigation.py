"""The site's sidebar: what the index says, and where a page stands that it doesn't name."""

from pathlib import PurePosixPath as Path

from tools.site.navigation import INDEX, children, sections, toctree

TEXT = """# Documentation

- [Not in a section](contract.md), so not in the sidebar.

## Start

- [The `README`](../README.md), for everyone: [more](glossary.md).
- [schemas](../schemas), which are no page.

## Reference

- [The SDK](reference/sdk.md#record), with an anchor, is not an item.
- [Metrics](reference/metrics.md), for operators.
"""
PAGES = {
    Path(name): f"title of {name}"
    for name in (
        "README.md",
        "docs/README.md",
        "docs/contract.md",
        "docs/reference/metrics.md",
        "docs/reference/new.md",
    )
}


def test_sections_are_those_of_the_index_and_a_page_that_it_does_not_name_is_in_its_folders() -> None:
    start, reference = sections(TEXT, PAGES)
    assert (start.caption, reference.caption) == ("Start", "Reference")
    assert start.pages == [
        ("The `README`", Path("README.md")),
        ("title of docs/README.md", INDEX),
        ("title of docs/contract.md", Path("docs/contract.md")),
    ]
    assert start.others == [("schemas", Path("schemas"))]
    assert reference.pages == [
        ("Metrics", Path("docs/reference/metrics.md")),
        ("title of docs/reference/new.md", Path("docs/reference/new.md")),
    ]


def test_a_page_that_two_sections_name_is_in_the_first() -> None:
    start, reference = sections("## Start\n- [A](a.md)\n## Reference\n- [B](a.md)\n", {Path("docs/a.md"): "A"})
    assert start.pages == [("A", Path("docs/a.md"))]
    assert not reference.pages
    assert not reference.others


def test_pages_of_a_folder_with_an_index_are_below_it() -> None:
    record = Path("docs/decisions/0001-a.md")
    pages = {**PAGES, Path("docs/decisions/README.md"): "Decisions", record: "0001 A"}
    assert children(Path("docs/decisions/README.md"), pages) == [record]
    assert children(INDEX, pages) == []
    assert children(Path("README.md"), pages) == []
    assert record not in [page for section in sections(TEXT, pages) for _, page in section.pages]


def test_a_toctree_names_pages_from_its_own_folder() -> None:
    text = toctree([("The `CLI`", Path("docs/reference/cli.md"))], Path("docs/decisions"), "Reference")
    assert text.splitlines() == [
        "```{toctree}",
        ":hidden:",
        ":titlesonly:",
        ":caption: Reference",
        "",
        "The CLI <../reference/cli>",
        "```",
    ]
