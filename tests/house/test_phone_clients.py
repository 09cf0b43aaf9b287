"""The Swift and Kotlin clients use paths, fields and codes that the API really has.

There is no Swift compiler here, so its sources are also checked against the language's grammar, its
retry rules are run in Python, and the constants of its SHA-256 are computed again.
"""

import json
import math
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import tree_sitter_kotlin
import tree_sitter_swift
from tree_sitter import Language, Node, Parser

from broker.api.problems.table import PROBLEMS
from broker.domain.s3_failures import Advice
from tests.house import swift_rules
from tests.house.protocol_page import fields_of_the_api, paths_of_the_api, shape

ROOT = Path(__file__).parent.parent.parent
GRAMMARS = {"swift": tree_sitter_swift, "kotlin": tree_sitter_kotlin}
SUFFIXES = {"swift": "*.swift", "kotlin": "*.kt"}
LANGUAGES = list(GRAMMARS)
# Where each client has its own codes.
ERRORS = {"swift": "BrokerError.swift", "kotlin": "BrokerException.kt"}
TABLE = json.loads((ROOT / "tests/retry_cases.json").read_text())
CASES: list[dict[str, Any]] = [
    case for case in TABLE["cases"] if case["phase"] in swift_rules.phases()
]


def files(language: str) -> list[Path]:
    """Return the sources of a client, and those of its tests."""
    found = sorted((ROOT / "clients" / language).rglob(SUFFIXES[language]))
    return [path for path in found if not {".build", "target"} & set(path.parts)]


@cache
def code(language: str) -> str:
    """Return the sources of a client, without its tests."""
    return "\n".join(
        path.read_text()
        for path in files(language)
        if not {"Tests", "test"} & set(path.relative_to(ROOT).parts)
    )


def parser_of(language: str) -> Parser:
    """Return a parser of a language's grammar."""
    return Parser(Language(GRAMMARS[language].language()))


def faults(node: Node) -> list[str]:
    """Return the places that a grammar does not accept."""
    if node.type == "ERROR" or node.is_missing:
        return [f"line {node.start_point.row + 1}"]
    return [one for child in node.children for one in faults(child)]


def own_codes(language: str) -> set[str]:
    """Return the codes that a client itself gives."""
    (path,) = (ROOT / "clients" / language).rglob(ERRORS[language])
    source = path.read_text()
    plain = re.findall(r"^ {8}case (\w+)$", source, re.MULTILINE)  # Swift: the text is the name
    # Kotlin: of no answer, and of files that cannot be copied.
    elsewhere = re.findall(r'(?:Problem|CopyFailed)\("([a-z_]+)"', code(language))
    return {*plain, *elsewhere, *re.findall(r'"([a-z_]+)"', source), "s3_refused"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_file_is_one_that_the_language_s_grammar_accepts(language: str) -> None:
    parser = parser_of(language)
    assert len(files(language)) >= 10
    for path in files(language):
        assert faults(parser.parse(path.read_bytes()).root_node) == [], path.name


def test_the_grammar_detects_a_missing_brace() -> None:
    tree = parser_of("swift").parse(b"struct A { func b( { }")
    assert faults(tree.root_node) != []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_path_is_one_of_the_api_with_its_method(language: str) -> None:
    known = paths_of_the_api()
    source = code(language).replace("/$action/", "/confirm/") + code(language)
    source = source.replace("/$action/", "/complete/")  # Kotlin has one function for both
    shapes = {shape(path) for path in re.findall(r'"(/api/[^"\n]*/)"', source)}
    assert {
        *("/api/ads/{}/upload_image/", "/api/users/{}/upload_avatar/", "/api/profiles/"),
        *("/api/owners/{}/{}/uploads/", "/api/uploads/{}/"),
        *(f"/api/uploads/{{}}/{end}/" for end in ("confirm", "renew", "failures")),
        *(f"/api/uploads/{{}}/{end}/" for end in ("parts", "complete")),
    } <= shapes
    assert shapes <= set(known), shapes - set(known)
    called = re.findall(r'"(GET|POST|PUT|PATCH|DELETE)",\s*"(/api/[^"\n]*)"', source)
    assert called
    for method, path in called:
        assert method in known[shape(path)], f"{method} {path}"


def test_every_field_of_the_swift_client_is_one_of_the_api() -> None:
    source = (ROOT / "clients/swift/Sources/UploadBrokerCore/Wire.swift").read_text()
    names: set[str] = set()
    for text in re.split(r"^(?:public )?struct ", source, flags=re.MULTILINE)[1:]:
        cases = re.findall(r"\bcase (.+?)(?: \}|\n)", text.partition("enum CodingKeys")[2])
        for one in ", ".join(cases).split(","):
            name, _, raw = one.strip().partition(" = ")
            names.add(raw.strip('"') or name)
        if not cases:
            names.update(re.findall(r"(?:var |, )(\w+):", text))
    names.discard("")
    assert {"checksum_sha256", "part_number", "missing", "action", "upload", "headers"} <= names
    assert {"file_name", "content_type", "alt_text", "image_url", "variants", "reason"} <= names
    assert names <= fields_of_the_api(), names - fields_of_the_api()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_in_snake_case_is_a_field_a_code_or_an_action(language: str) -> None:
    known = fields_of_the_api() | set(PROBLEMS) | {action.value for action in Advice}
    known |= own_codes(language) | {row["action"] for row in TABLE["cases"]}
    literals = set(re.findall(r'"([a-z]+(?:_[a-z0-9]+)+)"', code(language)))
    assert {"object_missing", "upload_settled", "parts_missing"} <= literals
    assert literals <= known, literals - known


@pytest.mark.parametrize("language", LANGUAGES)
def test_report_10_and_31_the_code_has_what_the_protocol_asks_for(language: str) -> None:
    for wanted in ('"Idempotency-Key"', '"Retry-After"', '"DELETE"', "etag", "PostResponse"):
        assert wanted.lower() in code(language).lower(), wanted
    assert "internal_error" not in code(language), "a page without JSON is not the broker's error"
    assert "token_expired" not in code(language), "any 401 asks for another token"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['phase']}: {case['name']}")
def test_the_swift_client_follows_the_shared_retry_cases(case: dict[str, Any]) -> None:
    row = {**case, **case.get("swift", {})}
    failure = swift_rules.failure_of(row)
    fitting = (
        rule
        for rule in swift_rules.rules()
        if row["phase"] in rule.phases and rule.matches(failure)
    )
    decision = next((rule.decision for rule in fitting), "give_up")
    assert decision == row["action"]
    if "after_seconds" in row and decision == "retry":
        assert swift_rules.seconds(row) == row["after_seconds"]


def test_every_rule_of_the_swift_client_decides_at_least_one_case() -> None:
    unused = set(range(len(swift_rules.rules())))
    for case in CASES:
        failure = swift_rules.failure_of({**case, **case.get("swift", {})})
        for index, rule in enumerate(swift_rules.rules()):
            if case["phase"] in rule.phases and rule.matches(failure):
                unused.discard(index)
                break
    assert unused == set()


def test_the_swift_client_s_sha256_has_the_standard_s_constants_and_rotations() -> None:
    """FIPS 180-4: 4.1.2 (functions), 4.2.2 and 5.3.3 (constants)."""
    source = (ROOT / "clients/swift/Sources/UploadBrokerCore/Sha256.swift").read_text()
    words = [int(word, 16) for word in re.findall(r"0x([0-9a-f]{8})\b", source)]
    primes = [n for n in range(2, 312) if all(n % d for d in range(2, math.isqrt(n) + 1))]
    assert len(primes) == 64
    state = [math.isqrt(prime << 64) % 2**32 for prime in primes[:8]]
    assert words == state + [_cube_root(prime << 96) % 2**32 for prime in primes]
    functions = re.findall(r"let s[01] = (.*)", source)
    assert [re.findall(r", (\d+)\)|>> (\d+)\)", one) for one in functions] == [
        [("7", ""), ("18", ""), ("", "3")],
        [("17", ""), ("19", ""), ("", "10")],
        [("6", ""), ("11", ""), ("25", "")],
        [("2", ""), ("13", ""), ("22", "")],
    ]


def _cube_root(number: int) -> int:
    """Return the whole part of a cube root, by bisection."""
    low, high = 0, 1 << (number.bit_length() // 3 + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= number else (low, middle - 1)
    return low
