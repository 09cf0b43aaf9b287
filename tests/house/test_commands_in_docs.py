"""Every `broker` command in the docs exists, and its options exist, too."""

import re
import shlex
from pathlib import Path

import click
import pytest

from broker.cli import broker
from broker.cli.adopt import adopt
from broker.cli.reconcile import reconcile
from broker.config import PREFIX, Settings

ROOT = Path(__file__).parent.parent.parent
PAGES = [
    "CONTRIBUTING.md",
    "README.md",
    "docs/README.md",
    "docs/ads.md",
    "docs/architecture.md",
    "docs/integrating.md",
    "docs/migrating.md",
    "docs/operations/seeing.md",
    "docs/private-files.md",
    "docs/profiles.md",
    "docs/python.md",
    "docs/reconcile.md",
    "docs/security.md",
    "docs/settings.md",
    "docs/tokens.md",
    "docs/webhooks.md",
    "examples/django/README.md",
    *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs/operations").rglob("*.md")),
]
BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def commands(page: str) -> set[str]:
    """Return the arguments of each `broker` command in shell blocks and between backticks."""
    text = (ROOT / page).read_text()
    blocks, prose = "".join(BLOCK.findall(text)), BLOCK.sub("", text)
    lines = [line.strip() for line in blocks.splitlines()] + re.findall(r"`([^`\n]+)`", prose)
    # Settings before the command and a pipe after it belong to the shell.
    lines = [re.sub(r"^(?:[A-Z_]+=\S+ )+|\s\|.*$", "", line) for line in lines]
    lines = [line.removeprefix(".venv/bin/") for line in lines]
    return {line.removeprefix("broker ") for line in lines if line.startswith("broker ")}


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_exists_with_its_options(page: str) -> None:
    for line in commands(page):
        command: click.Command = broker
        for word in shlex.split(line, comments=True):
            if word == "--":
                break  # the rest belongs to another program
            if word.startswith("-"):
                known = {name for option in command.params for name in option.opts}
                assert word in known, f"{page}: broker {line}"
            elif isinstance(command, click.Group):
                found = command.get_command(click.Context(command), word)
                assert found is not None, f"{page}: broker {line}"
                command = found
        assert not isinstance(command, click.Group), f"{page}: broker {line}"


@pytest.mark.parametrize(
    "page",
    [
        "docs/cookbook.md",
        "docs/integrating.md",
        "docs/migrating.md",
        "docs/private-files.md",
        "docs/profiles.md",
        "docs/reconcile.md",
        "docs/tokens.md",
        "docs/webhooks.md",
    ],
)
def test_every_setting_that_a_page_names_is_one(page: str) -> None:
    named = set(re.findall(rf"{PREFIX}[A-Z0-9_]+", (ROOT / page).read_text()))
    assert named <= {PREFIX + name.upper() for name in Settings.model_fields}
    assert named


def test_reconcile_and_adopt_are_told_with_all_their_options() -> None:
    text = (ROOT / "docs/migrating.md").read_text() + (ROOT / "docs/reconcile.md").read_text()
    for command in (reconcile, adopt):
        for option in command.params:
            assert option.opts[0] in text, option.opts[0]
