"""tests/retry_cases.json: the retry rules that the Python client shares with the JS client."""

import json
from pathlib import Path
from typing import Any

import pytest
from broker_client.retry_policy import (
    DEFAULT_RETRIES,
    RULES,
    Decision,
    Failure,
    RetryPolicy,
    Rule,
    seconds_to_wait,
)
from broker_client.s3_errors import is_from_s3
from broker_client.steps import Answer

TABLE = json.loads((Path(__file__).parents[1] / "retry_cases.json").read_text())
CASES = TABLE["cases"]
OWN_CODES = {"proxy": "unexpected_answer", "nobody": "network"}
USES_A_RETRY = (Decision.RETRY, Decision.RENEW, Decision.NEXT_ROUND)

POLICY = RetryPolicy(retries=DEFAULT_RETRIES, jitter=lambda: 1.0)


def python_row(case: dict[str, Any]) -> dict[str, Any]:
    row = {"code": OWN_CODES.get(case["from"]), "tries": 1, **case, **case.get("python", {})}
    if case["phase"] in ("send", "part") and case["from"] == "nobody":
        row["code"] = "network"
    return row


def failure_of(row: dict[str, Any]) -> Failure:
    return Failure(
        status=row["status"],
        code=row["code"],
        message=row.get("message", ""),
        retry_after=row.get("retry_after"),
        from_proxy=row["phase"] in ("send", "part") and row["from"] == "proxy",
        resumed=row.get("resumed", False),
        tries=row["tries"],
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['phase']}: {case['name']}")
def test_the_python_client_follows_the_shared_retry_cases(case: dict[str, Any]) -> None:
    row = python_row(case)
    decision = POLICY.decide(row["phase"], failure_of(row))
    pauses = list(POLICY.pauses())
    if decision in USES_A_RETRY and row["tries"] > len(pauses):
        decision = Decision.GIVE_UP
    assert decision == row["action"]
    if "after_seconds" in row and decision is not Decision.GIVE_UP:
        waited = seconds_to_wait(pauses[row["tries"] - 1], row.get("retry_after"))
        assert waited == row["after_seconds"]


@pytest.mark.parametrize("row", TABLE["answers"], ids=lambda row: row["name"])
def test_the_python_client_knows_which_answers_are_s3s(row: dict[str, Any]) -> None:
    row = {**row, **row.get("python", {})}
    headers = {name.lower(): value for name, value in row.get("headers", {}).items()}
    answer = Answer(status=row["status"], headers=headers, body=row["body"].encode())
    assert is_from_s3(answer) == (row["from"] == "s3")


def test_every_retry_rule_decides_at_least_one_case() -> None:
    unused: list[Rule] = list(RULES)
    for row in map(python_row, CASES):
        rule = POLICY.rule_of(row["phase"], failure_of(row))
        if rule in unused:
            unused.remove(rule)
    assert unused == []


def test_the_table_of_retry_cases_is_complete_enough() -> None:
    names = [case["name"] for case in CASES]
    assert len(set(names)) == len(names) >= 40
