"""The JSON log formatter alone, with records that no other test produces."""

import json
import logging
import sys

from broker.telemetry.logs import JsonLine

SIGNED = f"http://s3/b/k?X-Amz-Signature={'0' * 64}&X-Amz-Expires=60"


def line_of(**attributes: object) -> str:
    return JsonLine().format(logging.makeLogRecord({"name": "broker.x", **attributes}))


def test_the_traceback_of_an_error_is_in_the_line_without_signatures() -> None:
    try:
        raise RuntimeError(f"no answer from {SIGNED}")
    except RuntimeError:
        line = line_of(msg="failed", exc_info=sys.exc_info(), levelname="ERROR")
    assert "\n" not in line
    assert "X-Amz-Signature=\\u2026&X-Amz-Expires=60" in line
    assert "test_json_line.py" in json.loads(line)["exception"]


def test_message_and_extras_are_fields_and_other_values_are_text() -> None:
    line = line_of(
        msg="%s of %d", args=("one", 2), levelname="INFO", created=1.5, where=sys, count=3
    )
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:01.500+00:00",
        "level": "INFO",
        "logger": "broker.x",
        "message": "one of 2",
        "where": str(sys),
        "count": 3,
    }


def test_a_line_is_ascii_and_has_no_line_break_of_any_kind() -> None:
    line = line_of(msg="a\r\nb\x0bc\x85d\u2028e\u2029f\ud800", user_agent="\x1b[2J")
    assert line.isascii()
    assert line.isprintable()
    assert len(line.splitlines()) == 1


def test_a_token_in_an_extra_is_redacted() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
    assert json.loads(line_of(msg="x", path=f"/a/{token}/b"))["path"] == "/a/…/b"


def test_secrets_in_a_json_message_are_redacted_and_the_line_stays_json() -> None:
    fields = {"x-amz-signature": "0" * 64, "key": "a", "token": "Bearer abcdefghijkl"}
    line = line_of(msg=f"answer {json.dumps(fields)} {fields}")
    message = json.loads(line)["message"]
    assert "0" * 64 not in line
    assert "abcdefghijkl" not in line
    assert message.startswith('answer {"x-amz-signature": "…", "key": "a", "token": "Bearer …"}')
