"""axe-core, run on a page: what keeps readers out, by WCAG to level AA."""

import pytest

LEVEL_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(page, part: str | None = None) -> list[str]:
    """Return what axe-core says of a page or a part of it, one line for each broken rule."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright",
        reason="axe-core is not installed: pip install axe-playwright-python",
    )
    found = axe.Axe().run(
        page, context=part, options={"runOnly": {"type": "tag", "values": LEVEL_AA}}
    )
    assert len(found.response["passes"]) > 10  # it has looked
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in found.response["violations"]
        for node in rule["nodes"]
    ]
