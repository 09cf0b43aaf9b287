"""docs/clients.md gives the clients' sizes, dependencies and versions as the sources have them."""

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/clients.md").read_text()
SOURCES = {
    "JavaScript": "clients/js/*.js",
    "Python": "clients/python/broker_client/*.py",
    "Kotlin": "clients/kotlin/*/src/main/**/*.kt",
    "Swift": "clients/swift/Sources/**/*.swift",
}
COLUMNS = list(SOURCES)


def row(name: str) -> dict[str, str]:
    """Return a row of the page by the columns' names."""
    found = re.search(rf"^\| {re.escape(name)} \|(.*)\|$", PAGE, re.MULTILINE)
    assert found is not None, name
    return dict(zip(COLUMNS, [cell.strip() for cell in found[1].split("|")], strict=True))


def kotlin_dependencies(pom: str) -> set[str]:
    """Return what a module depends on, without tests and without Kotlin's standard library."""
    block = re.search(r"<dependencies>(.*?)</dependencies>", pom, re.DOTALL)
    assert block is not None
    found = set(re.findall(r"<artifactId>([\w-]+)</artifactId>", block[1]))
    return {one for one in found if not one.startswith(("junit", "kotlin-"))}


def lines(pattern: str) -> int:
    """Return the lines of the files."""
    return sum(len(path.read_text().splitlines()) for path in ROOT.glob(pattern))


@pytest.mark.parametrize("column", COLUMNS)
def test_the_lines_of_each_client_are_about_as_many_as_the_page_says(column: str) -> None:
    counted = lines(SOURCES[column])
    told = int(row("lines")[column].split(":")[0])
    assert abs(told - counted) <= max(100, counted // 20), counted


def test_the_lines_of_the_kotlin_modules_are_about_as_many_as_the_page_says() -> None:
    modules = re.findall(r"(\d+) for `([\w-]+)`", row("lines")["Kotlin"])
    assert [name for _, name in modules] == ["client", "client-android"]
    for told, name in modules:
        assert abs(int(told) - lines(f"clients/kotlin/{name}/src/main/**/*.kt")) <= 100, name


def test_the_dependencies_are_those_of_the_packages() -> None:
    told = {
        column: set(re.findall(r"`([\w-]+)`", cell)) for column, cell in row("depends on").items()
    }
    python = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text())["project"]
    assert told["Python"] == {re.split(r"[<>=]", one)[0] for one in python["dependencies"]}
    assert "dependencies" not in json.loads((ROOT / "clients/js/package.json").read_text())
    assert told["JavaScript"] == set()
    pom = (ROOT / "clients/kotlin/client/pom.xml").read_text()
    assert told["Kotlin"] == kotlin_dependencies(pom) | {"okhttp-android", "work-runtime"}
    swift = (ROOT / "clients/swift/Package.swift").read_text()
    assert ".package(" not in swift
    assert told["Swift"] == set()


def test_the_versions_are_those_of_the_packages() -> None:
    needs = row("needs")
    python = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text())
    assert f"Python {python['project']['requires-python'].removeprefix('>=')}" == needs["Python"]
    node = json.loads((ROOT / "clients/js/package.json").read_text())["engines"]["node"]
    assert f"Node {node.removeprefix('>=')}" in needs["JavaScript"]
    browsers = needs["JavaScript"].partition(";")[0].replace(", Safari", " or Safari")
    assert browsers in (ROOT / "docs/browser.md").read_text()
    swift = (ROOT / "clients/swift/Package.swift").read_text()
    tools = re.match(r"// swift-tools-version: ([\d.]+)\n", swift)
    assert tools is not None
    platforms = [" ".join(one) for one in re.findall(r"\.(iOS|macOS)\(\.v(\d+)\)", swift)]
    assert needs["Swift"] == f"Swift {tools[1]}; {', '.join(platforms)}"


def test_the_longest_waits_are_those_of_the_sources() -> None:
    told = row("longest `Retry-After` that it waits for")
    for column, file, name in (
        ("JavaScript", "clients/js/retry-policy.js", "MAX_RETRY_AFTER_SECONDS"),
        ("Python", "clients/python/broker_client/retry_policy.py", "MAX_RETRY_AFTER_SECONDS"),
        (
            "Kotlin",
            "clients/kotlin/client/src/main/kotlin/uploadbroker/RetryPolicy.kt",
            "MAX_RETRY_AFTER_SECONDS",
        ),
        ("Swift", "clients/swift/Sources/UploadBrokerCore/RetryRules.swift", "maxRetryAfter"),
    ):
        found = re.search(rf"\b{name} = (\d+)", (ROOT / file).read_text())
        assert found is not None
        assert told[column].split(";")[0] == f"{found[1]} s"


def test_the_page_and_the_guides_link_to_each_other() -> None:
    for column, guide in row("guide").items():
        page = re.search(r"\]\(([\w-]+\.md)\)", guide)
        assert page is not None, column
        assert "clients.md" in (ROOT / "docs" / page[1]).read_text(), page[1]
