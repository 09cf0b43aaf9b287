"""Each alert has a runbook, each threat has a test, and each link has a target."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from broker.config import PREFIX, Settings

ROOT = Path(__file__).parent.parent.parent
OPERATIONS = ROOT / "docs/operations"
RUNBOOKS = {path.stem: path.read_text() for path in (OPERATIONS / "runbooks").glob("*.md")}
PAGES = [
    *sorted(OPERATIONS.rglob("*.md")),
    ROOT / "docs/security.md",
    ROOT / "docs/releasing.md",
]
SECTIONS = ["What it means", "What users see", "Look at", "Mend", "Afterwards"]


def alerts() -> set[str]:
    """Return the names of the alert rules in operations/."""
    found: set[str] = set()
    for path in OPERATIONS.rglob("*.yml"):
        rules = yaml.safe_load(path.read_text())
        for group in rules.get("groups", []) if isinstance(rules, dict) else []:
            found |= {rule["alert"] for rule in group["rules"] if "alert" in rule}
    return found


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    # Without rules there is nothing to compare the runbooks with.
    assert alerts() in (set(RUNBOOKS), set())
    listed = (OPERATIONS / "README.md").read_text()
    assert all(f"(runbooks/{name}.md)" in listed for name in RUNBOOKS)


@pytest.mark.parametrize("name", sorted(RUNBOOKS))
def test_a_runbook_says_what_it_means_who_sees_it_and_what_to_do(name: str) -> None:
    assert RUNBOOKS[name].startswith(f"# {name}\n")
    assert re.findall(r"^## (.*)$", RUNBOOKS[name], re.MULTILINE) == SECTIONS


def test_every_test_that_the_threats_name_exists() -> None:
    table = (ROOT / "docs/security.md").read_text()
    rows = re.findall(r"^\| (?!threat|---)(.*) \|$", table, re.MULTILINE)
    assert len(rows) > 20
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
        assert named, row
        for file, name in named:
            defined = ast.walk(ast.parse((ROOT / file).read_text()))
            assert name in {one.name for one in defined if isinstance(one, ast.FunctionDef)}, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]*)(?:#[\w-]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target
    for target, anchor in re.findall(r"\]\(([\w./-]*\.md)#([\w-]+)\)", page.read_text()):
        headings = re.findall(r"^#+ (.*)$", (page.parent / target).read_text(), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_setting_of_a_page_is_one(page: Path) -> None:
    named = set(re.findall(rf"\b{PREFIX}[A-Z0-9_]+\b", page.read_text()))
    assert named <= {PREFIX + name.upper() for name in Settings.model_fields}
