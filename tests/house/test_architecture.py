"""The pages about the code name only modules, functions and paths that exist.

The notation is in docs/architecture.md. Nothing is imported: names are read from the source.
"""

import ast
import re
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from broker.config import PREFIX, Settings

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = [
    DOCS / "architecture.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((DOCS / "decisions").glob("*.md")),
]
FOLDERS = ("broker", "schemas", "clients", "tests", "benchmarks")
SUFFIXES = r"(?:py|js|ts|json|md|toml|cfg|ini|yml|css|html|sh|txt|png|lock)"
FILE = re.compile(rf"[\w./<>*-]+\.{SUFFIXES}")
MEMBER = re.compile(r"(?P<path>[\w./-]+\.(?:py|js)): (?P<name>\w+(?:\.\w+)?)")
DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?:\(\))?")
# Lock files that a decision rejects.
NOT_OURS = {"uv.lock", "pylock.toml"}
# The client and the Makefile read these, the server does not.
OTHER_SETTINGS = {f"{PREFIX}TOKEN"}


@cache
def defined_in(path: Path) -> frozenset[str]:
    """Return the names that a module defines: `name`, and `Class.member`."""
    if path.suffix == ".js":
        source = path.read_text()
        found = re.findall(r"^(?:export )?(?:async )?(?:function|class|const) (\w+)", source, re.M)
        methods = re.findall(r"^  (?:static )?(?:async )?#?(\w+)\(.*\{$", source, re.M)
        return frozenset([*found, *methods, *(f"{one}.{two}" for one in found for two in methods)])
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        names |= _named(node)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{one}" for member in node.body for one in _named(member)}
    return frozenset(names)


def _named(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return set()


@cache
def sources() -> tuple[Path, ...]:
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    found += [
        path for folder in ("broker/web", "clients/js") for path in ROOT.glob(f"{folder}/*.js")
    ]
    return tuple(path for path in found if not {"node_modules", ".peers"} & set(path.parts))


def dotted(path: Path) -> str:
    """Return a module's name from the root, such as `broker.services.tickets.issue`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def foreign() -> frozenset[str]:
    """Return the packages that are not ours: Python's standard library and installed packages."""
    installed = set(packages_distributions()) - {*FOLDERS, "broker_client", "wsgi"}
    return frozenset(sys.stdlib_module_names | installed)


def exists(path: str) -> bool:
    """Check a path from the root, or from broker/; `<name>` and `*` stand for any name."""
    if path in NOT_OURS:
        return True
    pattern = re.sub(r"<\w+>", "*", path).rstrip("/")
    if any(True for base in (ROOT, ROOT / "broker") for _ in base.glob(pattern)):
        return True
    return "/" not in path and any(found.name == path for found in sources())


def fault(span: str) -> str | None:
    """Return what is wrong with a name in backticks; None if it is correct or not a name."""
    if member := MEMBER.fullmatch(span):
        files = [base / member["path"] for base in (ROOT, ROOT / "broker")]
        found = [path for path in files if path.is_file()]
        if not found:
            return "no such file"
        return None if member["name"] in defined_in(found[0]) else "no such name in the file"
    if FILE.fullmatch(span) or re.match(rf"(?:{'|'.join(FOLDERS)}|docs|\.ci)/[\w./<>*-]*$", span):
        return None if exists(span) else "no such path"
    if DOTTED.fullmatch(span):
        return None if _is_known(span.removesuffix("()")) else "no such module or name"
    if target := re.fullmatch(r"make (\w+)(?: .*)?", span):
        rules = re.findall(r"^(?:\.PHONY: )?([\w ]+):", (ROOT / "Makefile").read_text(), re.M)
        return None if target[1] in " ".join(rules).split() else "no such target"
    return None


def _is_known(name: str) -> bool:
    first = name.partition(".")[0]
    for path in sources():
        module = dotted(path)
        if f".{module}".endswith(f".{name}"):
            return True
        for at in range(1, name.count(".") + 1):
            prefix, rest = ".".join(name.split(".")[:at]), ".".join(name.split(".")[at:])
            if f".{module}".endswith(f".{prefix}") and rest in defined_in(path):
                return True
        if name in defined_in(path):
            return True
    ours = {dotted(path).rpartition(".")[2] for path in sources()}
    return first in foreign() and first not in ours


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_module_function_and_path_that_a_page_names_exists(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    spans = dict.fromkeys(re.findall(r"`([^`\n]+)`", text))
    faults = {span: wrong for span in spans if (wrong := fault(span)) is not None}
    assert faults == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_setting_that_a_page_names_is_one(page: Path) -> None:
    named = set(re.findall(rf"\b{PREFIX}[A-Z0-9_]+\b", page.read_text()))
    assert named - OTHER_SETTINGS <= {PREFIX + name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize(
    "span",
    [
        "services/tickets/no_such_file.py",
        "services/tickets/issue.py: no_such_function",
        "services/work.py: Work.no_such_member",
        "outbox.no_such_function",
        "no_such_module.function",
        "docs/no_such_page.md",
        "make no_such_target",
    ],
)
def test_a_name_that_does_not_exist_is_found(span: str) -> None:
    assert fault(span) is not None


@pytest.mark.parametrize(
    "span",
    [
        "services/tickets/issue.py",
        "broker/services/tickets/issue.py: issue",
        "services/work.py: Work.acting_for",
        "outbox.drain",
        "tests/<folder>",
        "make test",
        "kill -9",
    ],
)
def test_a_name_that_exists_is_accepted(span: str) -> None:
    assert fault(span) is None


def links(page: Path) -> set[Path]:
    """Return the pages and files of this repository that a page links to."""
    targets = re.findall(r"\]\((?!https?:)([^)#\s]+)(?:#[\w-]*)?\)", page.read_text())
    return {(page.parent / target).resolve() for target in targets}


def test_every_page_of_the_docs_is_reachable_from_their_index() -> None:
    reached, waiting = set[Path](), [DOCS / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            waiting += [one for one in links(page) if one.suffix == ".md" and one.is_file()]
    assert set(DOCS.rglob("*.md")) - reached == set()
    assert DOCS / "README.md" in links(ROOT / "README.md")


@pytest.mark.parametrize(
    "page",
    [*ROOT.glob("*.md"), *sorted(DOCS.rglob("*.md"))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_link_leads_to_a_file_and_its_heading(page: Path) -> None:
    assert [str(target) for target in links(page) if not target.exists()] == []
    for target, anchor in re.findall(r"\]\(([\w./-]*\.md)?#([\w-]+)\)", page.read_text()):
        assert anchor in anchors(page.parent / target if target else page), f"{target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub creates for the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}
