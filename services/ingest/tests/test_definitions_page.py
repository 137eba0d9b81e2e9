"""The page of the case definitions shows those that are shipped. ``python test_definitions_page.py`` writes it anew."""

from pathlib import Path

import pytest

from spikewatch.ingest.terminology import definitions

PAGE = Path(__file__).parents[3] / "docs" / "formats" / "definitions.md"
START, END = "<!-- definitions -->\n", "<!-- end -->"


def table() -> str:
    shown = [definition for definition in reversed(definitions().all) if not definition.is_hidden]
    head = "| id@version | title | within | makes a report | source |\n|---|---|---|---|---|\n"
    return head + "".join(
        f"| `{one.name}` | {one.title} | {one.within or ''} | {'yes' if one.is_reporting else ''} | {one.source} |\n" for one in shown
    )


def rewritten(page: str) -> str:
    before, _, rest = page.partition(START)
    return before + START + table() + END + rest.partition(END)[2]


def test_the_page_shows_the_shipped_definitions() -> None:
    if not PAGE.is_file():
        pytest.skip("the repository's documentation is not here")
    page = PAGE.read_text(encoding="utf-8")
    assert page == rewritten(page)


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
