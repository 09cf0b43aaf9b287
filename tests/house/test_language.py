"""Docstrings and comments are plain English: they begin with a verb that says what happens."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SKIPPED = {".venv", "node_modules", ".peers", "__pycache__", "versions"}
# These verbs are vague: write Return, Check whether, Record, Create, Raise …
FIRST_WORD = re.compile(r"\s*(?:give|tell|have|be|say)s?\b", re.IGNORECASE)
PHRASES = (
    "at a glance",
    "be told",
    "but for",
    "goes by",
    "has none of",
    "is none of",
    "nor does",
    "nor is",
    "of no use",
    "of which",
    "told apart",
    "what there is",
    "whoever",
)
REFUSED = re.compile(rf"\b(?:{'|'.join(PHRASES)})\b", re.IGNORECASE)
JSDOC = re.compile(r"/\*\*(.*?)\*/", re.DOTALL)
PYTHON = ("schemas", "clients/python", "benchmarks", "examples/django")
JAVASCRIPT = ("clients/js", "broker/web")
KOTLIN = ("clients/kotlin",)
PAGES = ("docs", "clients/js", "clients/kotlin", "clients/swift", "examples/django", ".")


def folders(parent: str) -> list[str]:
    """Return a package and the packages directly below it, so that each is a test."""
    below = (path.parent for path in (ROOT / parent).glob("*/__init__.py"))
    return [parent, *sorted(path.relative_to(ROOT).as_posix() for path in below)]


def files(folder: str, *suffixes: str) -> list[Path]:
    """Return the files of a folder. Folders that have their own test are left out."""
    deep = folder in (*PYTHON, *JAVASCRIPT, "docs") or "/" in folder
    found = (ROOT / folder).rglob("*") if deep else (ROOT / folder).glob("*")
    return [
        path
        for path in found
        if path.name.endswith(suffixes)
        and path != Path(__file__)
        and not SKIPPED & set(path.relative_to(ROOT).parts)
    ]


def docstrings(path: Path) -> Iterator[str]:
    """Yield every docstring of a Python file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def jsdocs(path: Path) -> Iterator[str]:
    """Yield every JSDoc or KDoc comment of a file, without its asterisks."""
    for comment in JSDOC.findall(path.read_text()):
        yield comment.replace("*", " ")


def refused(paths: list[Path]) -> list[str]:
    """Return the places of the phrases that are refused."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {found[0]}"
        for path in paths
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if (found := REFUSED.search(line))
    ]


@pytest.mark.parametrize("folder", [*PYTHON, *folders("broker"), *folders("tests")])
def test_python_is_plain_english(folder: str) -> None:
    paths = files(folder, ".py")
    assert paths
    odd = [
        f"{path.relative_to(ROOT)}: {text.splitlines()[0]}"
        for path in paths
        for text in docstrings(path)
        if FIRST_WORD.match(text)
    ]
    assert odd == []
    assert refused(paths) == []


@pytest.mark.parametrize("folder", [*JAVASCRIPT, *KOTLIN])
def test_javascript_and_kotlin_are_plain_english(folder: str) -> None:
    paths = files(folder, ".js", ".mjs", ".ts", ".kt")
    assert paths
    odd = [
        f"{path.relative_to(ROOT)}: {text.strip().splitlines()[0]}"
        for path in paths
        for text in jsdocs(path)
        if FIRST_WORD.match(text)
    ]
    assert odd == []
    assert refused([*paths, *files(folder, ".html")]) == []


@pytest.mark.parametrize("folder", PAGES)
def test_pages_are_plain_english(folder: str) -> None:
    paths = files(folder, ".md")
    assert paths
    assert refused(paths) == []
