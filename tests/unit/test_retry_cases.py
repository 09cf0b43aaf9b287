"""tests/retry_cases.json: the broker's advice about S3's errors, which both clients follow."""

import json
from pathlib import Path
from typing import Any

import pytest

from broker.domain import s3_failures
from broker.domain.s3_servers import S3_SERVERS

CASES = json.loads((Path(__file__).parents[1] / "retry_cases.json").read_text())["cases"]
REPORTED = [case for case in CASES if "advice" in case]


@pytest.mark.parametrize("case", REPORTED, ids=lambda case: f"{case['phase']}: {case['name']}")
def test_the_broker_advises_as_in_the_shared_retry_cases(case: dict[str, Any]) -> None:
    advice = s3_failures.advise(
        case["code"],
        case.get("message", ""),
        failures=case.get("failures", 1),
        expired=case.get("form_expired", False),
    )
    assert advice == case["advice"]


def test_every_case_that_a_client_reports_has_the_brokers_advice() -> None:
    for case in CASES:
        actions = {case["action"]} | {case.get(name, {}).get("action") for name in ("js", "python")}
        if "report" in actions and case["status"] != 206:  # S3 never answers an upload with 206
            assert "advice" in case, case["name"]


def test_every_code_that_the_broker_knows_has_a_case() -> None:
    known = s3_failures._FINAL | s3_failures._RENEW
    assert known <= {case["code"] for case in REPORTED}


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "SomethingNew", "HTTP403"])
def test_report_09_only_codes_known_to_be_final_are_final(code: str) -> None:
    tries = range(1, s3_failures.MAX_FAILURES + 2)
    advice = [s3_failures.advise(code, "", failures=n, expired=False) for n in tries]
    assert advice == ["retry"] * s3_failures.MAX_FAILURES + ["give_up"]
    assert s3_failures.advise(code, "", failures=1, expired=True) == "renew"


@pytest.mark.parametrize("message", ["Expiration date is in the past", "Date is too old"])
def test_report_14_a_form_that_has_expired_on_garage_is_renewed(message: str) -> None:
    code = "InvalidRequest"
    advice = s3_failures.advise(code, f"Bad request: {message}", failures=1, expired=False)
    assert advice == "renew"
    assert s3_failures.advise(code, "Bad request", failures=1, expired=False) == "retry"


@pytest.mark.parametrize(
    ("row", "code", "message", "advice"),
    [
        ("versitygw", "AccessDenied", "Invalid according to Policy: Policy expired.", "renew"),
        ("garage", "InvalidRequest", "Bad request: Date is too old", "renew"),
        ("garage", "AccessDenied", "Forbidden: it has expired", "give_up"),
        ("minio", "InvalidRequest", "Date is too old", "retry"),
        ("ceph", "AccessDenied", "", "renew"),
        ("other", "AccessDenied", "", "give_up"),
    ],
)
def test_what_an_expiry_looks_like_is_in_the_row_of_the_server(
    row: str, code: str, message: str, advice: str
) -> None:
    server = S3_SERVERS[row]
    found = s3_failures.advise(code, message, failures=1, expired=False, server=server)
    assert found == advice


def test_a_refusal_that_may_be_an_expiry_is_not_renewed_for_ever() -> None:
    tries = range(1, s3_failures.MAX_FAILURES + 2)
    ceph = S3_SERVERS["ceph"]
    advice = [
        s3_failures.advise("AccessDenied", "", failures=n, expired=False, server=ceph)
        for n in tries
    ]
    assert advice == ["renew"] * s3_failures.MAX_FAILURES + ["give_up"]


def test_report_14_a_digest_that_garage_finds_wrong_is_sent_again() -> None:
    """S3 answers InvalidDigest for a malformed digest and BadDigest for other bytes."""
    assert s3_failures.advise("InvalidDigest", "", failures=1, expired=False) == "retry"
