"""Report 31: the page for phones has the rules of the shared retry cases, in both languages."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.house.test_mobile_docs import PROSE, code

CASES = json.loads((Path(__file__).parents[1] / "retry_cases.json").read_text())["cases"]
LANGUAGES = ["swift", "kotlin"]
GOES_ON = {"retry", "next_round", "send_again"}


def answers(fate: str) -> list[tuple[int, str]]:
    """Return status and code of the broker's answers after which the upload has this fate."""
    table = re.search(
        r"^\| answer of the broker \|.*\n\| --- .*\n((?:\|.*\n)+)", PROSE, re.MULTILINE
    )
    assert table is not None
    (row,) = [row for row in table[1].splitlines() if row.split("|")[2].strip().startswith(fate)]
    return [(int(status), name) for status, name in re.findall(r"`(\d{3}) (\w+)`", row)]


def decisions(name: str, *phases: str) -> set[str]:
    """Return what the clients do after a code of the broker."""
    rows: list[dict[str, Any]] = [case for case in CASES if case["from"] == "broker"]
    return {
        {**row, **row.get(client, {})}["action"]
        for row in rows
        for client in ("js", "python")
        if row.get("code") == name and row["phase"] in phases and "tries" not in row
    }


def words(language: str, name: str) -> set[str]:
    """Return the strings of a set in the code."""
    found = re.search(rf"\b{name}\b(?:: Set)? = (?:setOf)?[\[(](.*?)[\])]", code(language))
    assert found is not None, name
    return set(re.findall(r'"(\w+)"', found[1]))


def test_report_31_each_answer_that_ends_an_upload_is_final_for_both_clients() -> None:
    ended = answers("has ended")
    assert len(ended) >= 7
    for status, name in ended:
        taken = decisions(name, "request", "batch", "parts")
        assert "give_up" in taken, f"{status} {name}"
        assert not taken & GOES_ON, f"{status} {name}"


def test_report_31_an_upload_continues_after_exactly_the_answers_that_both_clients_retry() -> None:
    retried = {
        (row["status"], row["code"])
        for row in CASES
        if row["from"] == "broker"
        and row["phase"] in ("request", "confirm", "parts", "complete")
        and 400 <= row["status"] < 500
        and row["action"] in GOES_ON
    }
    assert set(answers("continues: try again after `Retry-After`")) == retried


def test_report_31_an_upload_starts_again_after_answers_after_which_clients_restart() -> None:
    for _, name in answers("starts again"):
        assert "restart" in decisions(name, "end"), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_report_31_the_code_continues_and_restarts_after_the_same_answers(language: str) -> None:
    retried, restarted = (
        ("retried", "restarted") if language == "swift" else ("RETRIED", "RESTARTED")
    )
    continued = answers("continues: try again after `Retry-After`")
    assert words(language, retried) == {name for _, name in continued}
    assert words(language, restarted) == {name for _, name in answers("starts again")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_report_31_the_code_reports_the_errors_of_s3_that_both_clients_report(
    language: str,
) -> None:
    not_reported = {
        row["code"]
        for row in CASES
        if row["from"] == "s3"
        and row["phase"] in ("send", "part")
        and 300 <= row["status"] < 500
        and row["status"] not in (408, 429)
        and row["action"] in GOES_ON
    }
    assert not_reported == {"RequestTimeout", "NoSuchUpload", "NoSuchKey"}
    found = re.search(r'[\[(]("RequestTimeout"[^\])]*)[\])]', code(language))
    assert found is not None
    assert set(re.findall(r'"(\w+)"', found[1])) == not_reported
    assert '"NotImplemented"' in code(language), "a 501 that is final"


@pytest.mark.parametrize("language", LANGUAGES)
def test_report_31_the_code_has_what_the_rules_ask_for(language: str) -> None:
    text = code(language)
    for wanted in ('"Idempotency-Key"', '"Retry-After"', '"DELETE", "/api/uploads/', "401"):
        assert wanted in text, wanted
    assert "token_expired" not in text, "any 401 asks for another token"
    assert re.search(r'"\$owner \$digest"|"\\\(owner\) \\\(digest\)"', text), "the name of the work"
    assert re.search(r"(!=|==) record(\.digest|\[DIGEST\])", text), "a changed file"


def test_report_31_no_work_is_named_after_a_file_and_swift_keeps_its_state_on_disk() -> None:
    assert "enqueueUniqueWork(file.name" not in code("kotlin")
    assert "UserDefaults" not in code("swift")
    assert "createDirectory(at: folder" in code("swift").partition("@MainActor")[0]
