"""There is one version, and every place that repeats it has the same value."""

import json
import re
import tomllib
from configparser import ConfigParser
from pathlib import Path

from click.testing import CliRunner

from broker.cli import broker

ROOT = Path(__file__).parent.parent.parent
CHANGES = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
UNRELEASED = "[Unreleased]"
SECTIONS = {*CHANGES, "What operators must do"}


def version() -> str:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    return setup["metadata"]["version"]


def test_broker_prints_its_version() -> None:
    assert CliRunner().invoke(broker, ["--version"]).output == f"broker {version()}\n"


def test_the_clients_have_the_version_of_the_broker() -> None:
    python = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text())
    js = json.loads((ROOT / "clients/js/package.json").read_text())
    assert python["project"]["version"] == js["version"] == version()
    kotlin = ROOT / "clients/kotlin"
    for pom in (kotlin / "pom.xml", *kotlin.glob("*/pom.xml")):
        text = pom.read_text()
        number = re.search(r"client-parent</artifactId>\s*<version>(.*?)</version>", text)
        assert number is not None
        assert number[1] == version()


def test_each_python_that_the_packages_name_is_a_target_of_the_makefile() -> None:
    targets = re.search(r"^PYTHONS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets is not None
    expected = [f"Programming Language :: Python :: {number}" for number in targets[1].split()]
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    client = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text())
    assert setup["metadata"]["classifiers"].split("\n")[1:] == expected
    assert client["project"]["classifiers"] == expected


def test_the_changelog_begins_with_this_version_and_goes_back_in_time() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    # Before a release its entries are under this heading, above every version.
    text = re.sub(r"^## \[Unreleased\]$", "", text, count=1, flags=re.MULTILINE)
    found = re.findall(r"^## (\d+\.\d+\.\d+) - (\d{4}-\d{2}-\d{2})$", text, re.MULTILINE)
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    unreleased = headings[:1] == [UNRELEASED]
    assert len(found) == len(headings) - unreleased
    assert found[0][0] == version()
    assert [date for _, date in found] == sorted((date for _, date in found), reverse=True)


def test_each_version_has_the_sections_of_keep_a_changelog_and_its_steps_for_operators() -> None:
    _, *versions = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    for one in versions:
        if one.startswith("[Unreleased]"):
            continue  # its steps for operators are complete when the version is
        sections = re.findall(r"^### (.*)$", one, re.MULTILINE)
        assert set(sections) <= SECTIONS
        if one.startswith(UNRELEASED):
            continue
        assert sections[-1] == "What operators must do"
        assert len(sections) == len(set(sections)) > 1
