"""The guide for phones names what the libraries and the API really have."""

import re
from configparser import ConfigParser
from pathlib import Path

import pytest
from tree_sitter import Parser

from broker.api.problems.table import PROBLEMS
from broker.config import PREFIX, Settings
from broker.domain.rejections import RejectionReason
from tests.house.test_phone_clients import LANGUAGES, code, faults, own_codes, parser_of

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/mobile.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROSE = BLOCK.sub("", PAGE)
UNITS = {"MiB": 1024**2}


def blocks(language: str) -> list[str]:
    return [text for name, text in BLOCK.findall(PAGE) if name == language]


@pytest.mark.parametrize("language", ["swift", "kotlin"])
def test_every_block_of_code_is_one_that_the_language_s_grammar_accepts(language: str) -> None:
    parser: Parser = parser_of(language)
    assert len(blocks(language)) >= 3
    for text in blocks(language):
        assert faults(parser.parse(text.encode()).root_node) == [], text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_of_the_library_in_the_code_is_public_in_it(language: str) -> None:
    text, source = "\n".join(blocks(language)), code(language)
    types = {
        "swift": {"UploadQueue", "Owner", "Tokens"},
        "kotlin": {
            "Broker",
            "Journal",
            "Source",
            "Owner",
            "Tokens",
            "UploadQueue",
            "UploadQueueHost",
        },
    }[language]
    for name in types:
        assert re.search(rf"\b{name}\b", text), name
        assert re.search(
            rf"\bpublic (?:\w+ )*(?:class|struct|enum|protocol|interface) {name}\b", source
        ), name
    for name in re.findall(r"\b(?:uploads|queue|broker)\??\.(\w+)\(", text):
        assert re.search(rf"\b(?:func|fun) {name}\(", source), name


def test_the_states_of_the_kotlin_example_are_all_there_are() -> None:
    source = code("kotlin").partition("sealed interface UploadState")[2]
    states = re.findall(r"^    public data (?:class|object) (\w+)", source, re.MULTILINE)[:7]
    example = next(text for text in blocks("kotlin") if "observe" in text)
    assert re.findall(r"UploadState\.(\w+)", example) == states


def test_the_states_of_the_swift_example_are_all_there_are() -> None:
    source = (ROOT / "clients/swift/Sources/UploadBroker/UploadState.swift").read_text()
    enum = source.partition("public enum")[2].partition("var ")[0]
    example = next(text for text in blocks("swift") if "for await" in text)
    assert re.findall(r"case \.(\w+)", example) == re.findall(r"^    case (\w+)", enum, re.M)


def test_the_version_to_add_is_the_broker_s() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    told = re.findall(r"io\.github\.upload-broker:[\w-]+:([\d.]+)", PAGE)
    assert told == [setup["metadata"]["version"]]


def test_every_code_that_is_put_into_words_is_one() -> None:
    table = re.search(r"^\| code \|.*\n\| --- .*\n((?:\|.*\n)+)", PROSE, re.MULTILINE)
    assert table is not None
    told = {
        one for row in table[1].splitlines() for one in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert len(told) >= 12
    own = {code for language in LANGUAGES for code in own_codes(language)}
    assert told <= set(PROBLEMS) | own, told - set(PROBLEMS) - own
    reasons = set(re.findall(r"For `(\w+)`", table[1]))
    assert reasons <= {reason.value for reason in RejectionReason}


def test_every_setting_and_default_of_the_page_is_the_setting_s() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(r"BROKER_[A-Z0-9_]+", PAGE))
    assert named <= known, named - known
    for name, number, unit in re.findall(r"`BROKER_(\w+)`,? \(?(\d+) (MiB)\)?", PROSE):
        assert Settings.model_fields[name.lower()].default == int(number) * UNITS[unit], name


def test_the_page_says_what_was_never_compiled() -> None:
    assert "never compiled for iOS or macOS" in PAGE
    sources = (ROOT / "clients/swift/Sources").rglob("*.swift")
    conditional = {
        path.name for path in sources if re.search(r"^ +#if", path.read_text(), re.MULTILINE)
    }
    assert conditional == {"BackgroundSession.swift", "FileDigests.swift"}
    for name in conditional:
        assert f"`{name}`" in PAGE
