"""The page about the protocol uses paths, fields, codes and settings that the API really has."""

import json
import re
from collections.abc import Iterator
from typing import Any

from marshmallow import fields

from broker.api.problems.table import PROBLEMS
from broker.config import PREFIX, Settings
from broker.domain.s3_failures import Advice
from tests.house.protocol_page import (
    BLOCK,
    PAGE,
    PROSE,
    declared_fields,
    fields_of_the_api,
    paths_of_the_api,
    shape,
)

# "Error responses", Amazon S3 API reference.
S3_CODES = {
    "AccessDenied": 403,
    "NoSuchUpload": 404,
    "NotImplemented": 501,
    "PreconditionFailed": 412,
}
UNITS = {"MiB": 1024**2, "minutes": 60, "hour": 3600, "hours": 3600}


def keys(value: Any) -> Iterator[str]:
    """Return every key of a JSON value, except those below free-form objects such as headers."""
    free = {name for name, field in declared_fields().items() if isinstance(field, fields.Dict)}
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            if name not in free:
                yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_every_path_of_the_page_is_one_of_the_api() -> None:
    found = re.findall(r"/api/[^\s\"'`|)]*", PAGE)
    assert len(found) >= 15
    assert {shape(path) for path in found} <= set(paths_of_the_api())


def test_every_path_is_named_with_a_method_that_it_has() -> None:
    known = paths_of_the_api()
    told = re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/api/[^`]*)`", PROSE)
    assert len(told) >= 8
    for method, path in told:
        assert method in known[shape(path)], f"{method} {path}"


def test_the_page_has_no_code_but_json() -> None:
    assert {language for language, _ in BLOCK.findall(PAGE)} == {"json"}


def test_every_field_of_the_examples_is_one_of_the_api() -> None:
    known = fields_of_the_api()
    examples = [json.loads(text) for _, text in BLOCK.findall(PAGE)]
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
    assert len(prose) >= 5
    assert prose <= known, prose - known


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
