"""Barriers that axe-core finds on a page."""

from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def barriers(page: Page, axe: Path) -> list[Any]:
    """Return the violations that axe finds, each with its elements."""
    if not page.evaluate("'axe' in globalThis"):
        # evaluate() is not subject to the page's Content-Security-Policy.
        page.evaluate(axe.read_text())
    found = page.evaluate("(rules) => axe.run(document, { runOnly: rules })", RULES)
    assert len(found["passes"]) > 10
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found["violations"]]
