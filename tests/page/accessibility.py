"""Barriers that axe-core finds on a page."""

from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# A colour scheme changes nothing but colours, so the second one needs only the rules about them.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
SCHEMES: dict[Literal["light", "dark"], list[str]] = {"light": RULES, "dark": COLOUR_RULES}


def barriers(page: Page, axe: Path, rules: list[str]) -> list[Any]:
    """Return the violations of some rules that axe finds, each with its elements."""
    if not page.evaluate("'axe' in globalThis"):
        # evaluate() is not subject to the page's Content-Security-Policy.
        page.evaluate(axe.read_text())
    found = page.evaluate("(rules) => axe.run(document, { runOnly: rules })", rules)
    assert len(found["passes"]) > (10 if rules == RULES else 0)
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found["violations"]]
