"""docs/tokens.md: its examples, its tables of actions and reasons, and its numbers of lines."""

import json
import re
import shlex
from pathlib import Path

import jwt
import pytest
from click.testing import CliRunner

from broker.cli.token import token
from broker.domain.grants import Action, Flaw, read_grants
from broker.local.dev_env import load_or_make

PAGE = (Path(__file__).parents[2] / "docs/tokens.md").read_text()
SECRET = "a-secret-of-the-tests-alone-0123456789abcdef"


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def rows(heading: str) -> list[str]:
    """Return the first cells of the table with this heading."""
    (table,) = re.findall(rf"^\| {heading} \|.*\n\|.*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return re.findall(r"^\| `(\w+)`", table, re.MULTILINE)


def test_the_example_of_grants_is_well_formed() -> None:
    grants, faults = read_grants(json.loads(block("json"))["authorization_details"])
    assert faults == []
    assert [owner for _, owner in grants.actions] == ["42", "7"]


def test_every_action_and_every_reason_is_in_its_table() -> None:
    assert rows("action") == [action.value for action in Action]
    assert rows("reason") == [flaw.value for flaw in Flaw]
    assert rows("field") == ["type", "profile", "owner", "actions"]


@pytest.mark.parametrize(
    ("name", "language", "end"),
    [("Python", "python", "print("), ("Node", "js", "console.log("), ("Go", "go", "func main(")],
)
def test_a_program_is_as_short_as_the_page_says(name: str, language: str, end: str) -> None:
    needed, _ = block(language).split(f"\n{end}")
    lines = sum(bool(line.strip()) for line in needed.splitlines())
    assert re.search(rf"^\| {name} \| `\S+` \| {lines} \|$", PAGE, re.MULTILINE), lines
    assert lines <= 30


def test_the_commands_for_test_tokens_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    secret = load_or_make(tmp_path / ".broker", port=8000, s3_port=8333)["BROKER_JWT_SECRET"]
    (tmp_path / "secret.txt").write_text(SECRET)
    claims = []
    for line in block("sh").splitlines():
        done = CliRunner().invoke(token, shlex.split(line.removeprefix("broker token")))
        assert done.exit_code == 0, done.output
        key = SECRET if "--key" in line else secret
        audience = "upload-broker" if "--aud" in line else None
        claims.append(jwt.decode(done.stdout.strip(), key, ["HS256"], audience=audience))
    assert len(claims[0]["authorization_details"]) == 2
    assert claims[1]["sub"] == "auth0|62c"
    assert claims[2]["role"] == "service"
