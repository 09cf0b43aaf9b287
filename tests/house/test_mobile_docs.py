"""The page for phones uses paths, fields, codes and settings that the API really has."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import tree_sitter_kotlin
import tree_sitter_swift
from marshmallow import Schema, fields
from tree_sitter import Language, Parser

from broker.api.problems.table import PROBLEMS
from broker.app import create_app
from broker.config import PREFIX, Settings
from broker.domain.limits import Limits
from broker.domain.s3_failures import Advice
from schemas import images, parts, problems, profiles, tickets, uploads

PAGE = (Path(__file__).parent.parent.parent / "docs/mobile.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROSE = BLOCK.sub("", PAGE)
# "Error responses", Amazon S3 API reference.
S3_CODES = {
    "AccessDenied": 403,
    "NoSuchUpload": 404,
    "NotImplemented": 501,
    "PreconditionFailed": 412,
}
UNITS = {"MiB": 1024**2, "minutes": 60, "hour": 3600, "hours": 3600}
# An id in a path, as the text, Swift and Kotlin write it.
PLACEHOLDER = re.compile(r"\\\(\w+\)|\$\{\w+\}|\$\w+|\{\w+\}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-\w{12}")


def blocks(language: str) -> list[str]:
    return [text for name, text in BLOCK.findall(PAGE) if name == language]


def code(language: str) -> str:
    return "\n".join(blocks(language))


def shape(path: str) -> str:
    """Return a path without its query and without its values."""
    return PLACEHOLDER.sub("{}", path.partition("?")[0])


def paths_of_the_api() -> dict[str, set[str]]:
    app = create_app(
        Settings(database_url="sqlite://", s3_bucket="media-bucket", jwt_secret="x" * 32)
    )
    document: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    return {
        shape(path): {name.upper() for name in operations}
        for path, operations in document["paths"].items()
    }


def fields_of_the_api() -> set[str]:
    modules: list[ModuleType] = [images, parts, problems, profiles, tickets, uploads]
    names_of_profiles = {profile.name for profile in Limits().profiles}
    return names_of_profiles | {
        field.data_key or name
        for module in modules
        for schema in vars(module).values()
        if isinstance(schema, type) and issubclass(schema, Schema)
        for name, field in schema._declared_fields.items()
    }


def free_form_fields() -> set[str]:
    """Return the fields whose keys are S3's, such as headers."""
    return {
        field.data_key or name
        for module in (problems, tickets, parts)
        for schema in vars(module).values()
        if isinstance(schema, type) and issubclass(schema, Schema)
        for name, field in schema._declared_fields.items()
        if isinstance(field, fields.Dict)
    }


def keys(value: Any) -> Iterator[str]:
    """Return every key of a JSON value, except those below free-form objects."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            if name not in free_form_fields():
                yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def swift_structs() -> Iterator[str]:
    """Return the text of every Swift struct for requests and answers, but not Record."""
    source = code("swift")
    wire = re.compile(r"^struct (\w+): [^{]*\b(?:Decodable|Encodable|Codable)\b", re.MULTILINE)
    for start in wire.finditer(source):
        if start[1] == "Record":
            continue
        depth = 0
        for end in range(source.index("{", start.start()), len(source)):
            depth += {"{": 1, "}": -1}.get(source[end], 0)
            if depth == 0:
                yield source[start.start() : end]
                break


def swift_fields() -> set[str]:
    found: set[str] = set()
    for text in swift_structs():
        if "CodingKeys" in text:
            for line in re.findall(r"\bcase (.+)", text.partition("CodingKeys")[2]):
                for one in line.rstrip(" }").split(","):
                    name, _, raw = one.strip().partition(" = ")
                    found.add(raw.strip('"') or name)
        else:
            found.update(re.findall(r"[,{] (?:let |var )?(\w+):", text))
    return found


def kotlin_fields() -> set[str]:
    source = code("kotlin")
    return {
        *re.findall(r'\.(?:get|opt)(?:String|Int|Long|JSONArray|JSONObject)\("([^"]+)"', source),
        *re.findall(r'\bput\("([^"]+)",', source),
        *re.findall(r'@SerialName\("([^"]+)"\)', source),
    }


def test_every_path_of_the_page_is_one_of_the_api() -> None:
    found = re.findall(r"/api/(?:\\\(\w+\)|[^\s\"'`|)])*", PAGE)
    assert len(found) >= 20
    assert {shape(path) for path in found} <= set(paths_of_the_api())


def test_every_path_is_named_with_a_method_that_it_has() -> None:
    known = paths_of_the_api()
    prose = re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/api/[^`]*)`", PROSE)
    swift = re.findall(r'"(GET|POST|PUT|PATCH|DELETE)",\s*"(/api/[^"]*)"', code("swift"))
    kotlin = re.findall(r'"(GET|POST|PUT|PATCH|DELETE)",\s*"(/api/[^"]*)"', code("kotlin"))
    assert len(prose) >= 8
    assert len(swift) >= 4
    assert len(kotlin) >= 6
    for method, path in [*prose, *swift, *kotlin]:
        assert method in known[shape(path)], f"{method} {path}"


def test_the_code_of_both_languages_asks_for_all_that_an_upload_needs() -> None:
    ends = ("confirm/", "renew/", "failures/", "parts/", "complete/")
    for language in ("swift", "kotlin"):
        found = {shape(path) for path in re.findall(r'"(/api/[^"]*)"', code(language))}
        assert {f"/api/uploads/{{}}/{end}" for end in ends} <= found, language


def test_every_field_that_the_code_reads_or_writes_is_one_of_the_api() -> None:
    known, swift, kotlin = fields_of_the_api(), swift_fields(), kotlin_fields()
    assert {"checksum_sha256", "part_number", "missing", "action", "upload"} <= swift & kotlin
    assert {"file_name", "content_type", "size", "transport", "url", "headers"} <= swift & kotlin
    assert swift <= known, swift - known
    assert kotlin <= known, kotlin - known


def test_every_field_of_the_examples_is_one_of_the_api() -> None:
    known, examples = fields_of_the_api(), [json.loads(block) for block in blocks("json")]
    assert len(examples) >= 2
    named = {name for example in examples for name in keys(example)}
    assert {"checksum_sha256", "upload", "headers"} <= named
    assert named <= known, named - known


def test_every_answer_that_is_told_to_act_on_is_given_with_its_status() -> None:
    told = re.findall(r"`(\d{3}) (\w+)`", PROSE)
    statuses = {name: row.status for name, row in PROBLEMS.items()} | S3_CODES
    assert {name for _status, name in told} >= {
        *("object_missing", "object_mismatch", "parts_missing", "upload_settled"),
        *("upload_expired", "token_expired"),
        *S3_CODES,
    }
    for status, name in told:
        assert statuses.get(name) == int(status), f"{status} {name}"


def test_every_word_in_snake_case_is_a_field_a_code_or_an_action() -> None:
    known = fields_of_the_api() | set(PROBLEMS) | {action.value for action in Advice}
    prose = set(re.findall(r"`(?:\w+\.)?([a-z]+(?:_[a-z0-9]+)+)`", PROSE))
    source = code("swift") + code("kotlin")
    literals = set(re.findall(r'"([a-z]+(?:_[a-z0-9]+)+)"', source))
    assert len(prose) >= 5
    assert len(literals) >= 10
    assert prose | literals <= known, (prose | literals) - known


@pytest.mark.parametrize("language", ["swift", "kotlin"])
def test_the_code_of_each_language_knows_the_codes_that_end_or_prolong_an_upload(
    language: str,
) -> None:
    literals = set(re.findall(r'"(\w+)"', code(language)))
    needed = {"object_missing", "object_mismatch", "upload_expired", "upload_settled"}
    assert needed | {"parts_missing", "give_up"} <= literals
    assert needed <= set(PROBLEMS)


@pytest.mark.parametrize("language", ["swift", "kotlin"])
def test_report_10_the_code_of_each_language_recognizes_s3s_own_answers(language: str) -> None:
    assert "<Error[\\s>]" in code(language), "an error is S3's only with S3's document"
    assert '"ETag"' in code(language), "200 is S3's only with S3's header"
    assert "internal_error" not in code(language), "a page without JSON is not the broker's error"


def test_every_setting_of_the_page_is_a_setting() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(r"BROKER_[A-Z0-9_]+", PAGE))
    assert {"BROKER_MULTIPART_THRESHOLD", "BROKER_PUT_TTL"} <= named
    assert named <= known, named - known


def test_every_default_of_the_page_is_the_setting_s_default() -> None:
    told = re.findall(r"`BROKER_(\w+)` \((\d+) (\w+)\)", PROSE)
    assert len(told) >= 4
    for name, number, unit in told:
        default = Settings.model_fields[name.lower()].default
        assert default == int(number) * UNITS[unit], name


def test_the_actions_of_the_page_are_those_that_the_broker_gives() -> None:
    table = re.search(r"^\| `action` \|.*\n\| --- .*\n((?:\|.*\n)+)", PROSE, re.MULTILINE)
    assert table is not None
    actions = re.findall(r"^\| `(\w+)` \|", table[1], re.MULTILINE)
    assert sorted(actions) == sorted(action.value for action in Advice)


@pytest.mark.parametrize("language", ["swift", "kotlin"])
def test_every_block_of_code_is_one_that_the_language_s_grammar_accepts(language: str) -> None:
    grammar = {"swift": tree_sitter_swift, "kotlin": tree_sitter_kotlin}[language]
    parser = Parser(Language(grammar.language()))
    assert len(blocks(language)) == 2
    for text in blocks(language):
        assert not parser.parse(text.encode()).root_node.has_error


def test_the_page_says_that_its_code_is_not_compiled() -> None:
    assert "not compiled by this project's tests" in PAGE
