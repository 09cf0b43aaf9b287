"""Case 24 on the written log lines: one line each, valid JSON, and no secret."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client as Werkzeug

from broker.telemetry.logs import JsonLine
from broker.telemetry.trace_context import trace_id_of
from tests.canaries.checker import leaks
from tests.http.client import JPEG, Client, declared, send, token
from tests.http.reconciling import put
from tests.servers.fixtures import Bucket

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
# CR, LF, NEL, LINE SEPARATOR, a terminal escape, a quote, and a lone surrogate.
BREAKS = 'a\r\nb\x85c\u2028d\x1b[31me"f'
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Also write the broker's log to a text; return a function that reads its lines."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLine())
    log = logging.getLogger("broker")

    def read() -> list[dict[str, Any]]:
        text = stream.getvalue()
        assert text.isascii()
        assert leaks(text) == []
        return [json.loads(line) for line in text.splitlines()]

    # Inserted first, like the handler of the broker.
    log.addHandler(handler)
    yield read
    log.removeHandler(handler)


def test_case_24_line_breaks_in_a_file_name_and_every_header_stay_in_one_line(
    alice: Client, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    ad = alice.ad()
    file = declared(JPEG, file_name=BREAKS, alt_text=BREAKS)
    environ = {
        "HTTP_USER_AGENT": BREAKS.encode().decode("latin-1"),
        "HTTP_TRACEPARENT": f"00-{TRACE}-00f067aa0ba902b7-01\r\n{{}}",
        "HTTP_X_REQUEST_ID": BREAKS.encode().decode("latin-1"),
        "HTTP_X_FORWARDED_FOR": BREAKS.encode().decode("latin-1"),
    }
    refused = {**file, "content_type": BREAKS}
    for body, status, count in ((file, 201, 2), (refused, 422, 1)):
        before = len(lines())
        answer = alice.post(f"/api/ads/{ad}/upload_image/", body, environ_overrides=environ)
        assert answer.status_code == status
        *audit, line = lines()[before:]
        assert len([*audit, line]) == count
        assert line["status"] == status
        assert line.get("code") == (None if status == 201 else "validation_error")
        assert line["user_agent"].startswith("a\r\nb")
        assert line["trace_id"] != TRACE
        assert line["client"] == "127.0.0.1"


@pytest.mark.parametrize("method", ["GET", "BREW\r\n{}", "X" * 1000])
def test_case_24_line_breaks_in_path_and_method_stay_in_one_line(
    app: Flask, lines: Callable[[], list[dict[str, Any]]], method: str
) -> None:
    path = f"/api/{BREAKS}\udcff{'x' * 5000}"
    raw = path.encode("utf-8", "surrogateescape").decode("latin-1")
    environ = {"REQUEST_METHOD": method, "PATH_INFO": raw}
    answer = Werkzeug(app).open("/", environ_overrides=environ)
    assert answer.status_code in (404, 405)
    (line,) = lines()
    assert line["path"].startswith("/api/a\r\nb")
    assert len(line["path"]) <= 500
    assert len(line["method"]) <= 20


def test_a_token_in_the_path_is_not_logged(
    anyone: Client, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    anyone.get(f"/api/{token(1)}/", headers={"User-Agent": f"curl {token(2)}"})
    (line,) = lines()
    assert (line["path"], line["user_agent"]) == ("/api/…/", "curl …")


def test_lines_of_one_request_share_its_id_and_the_callers_trace(
    alice: Client, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    ad = alice.ad()
    parent = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    answer = alice.post(f"/api/ads/{ad}/upload_image/", declared(JPEG), headers=parent)
    of_it = [line for line in lines() if line["request_id"] == answer.headers["X-Request-ID"]]
    assert [line["logger"] for line in of_it] == ["broker.audit", "broker.requests"]
    assert {line["trace_id"] for line in of_it} == {TRACE}
    (other,) = {line["trace_id"] for line in lines()} - {
        TRACE
    }  # the request for the ad has another id
    assert trace_id_of(f"00-{other}-00f067aa0ba902b7-01") == other
    assert of_it[1]["user"] == 1
    assert of_it[1]["database_ms"] > 0
    assert of_it[1]["token_ms"] > 0


def test_an_unexpected_error_is_one_line_with_its_traceback(
    app: Flask, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    def fails() -> str:
        raise RuntimeError("one line\nand another")

    app.add_url_rule("/fails", view_func=fails)
    answer = app.test_client().get("/fails")
    assert answer.get_json()["code"] == "internal_error"
    error, line = lines()
    assert error["level"] == "ERROR"
    assert error["exception"].endswith("RuntimeError: one line\nand another")
    assert error["request_id"] == line["request_id"] == answer.headers["X-Request-ID"]


def test_the_audit_log_shows_the_life_of_a_ticket_and_its_user(
    alice: Client, service: Client, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    ad = alice.ad()
    first, second = alice.ticket(ad).get_json(), alice.ticket(ad).get_json()
    alice.post(f"/api/uploads/{first['id']}/renew/")
    send(first)
    for _ in range(2):  # a repeated request changes nothing and is not logged
        image = service.post(first["confirm_url"]).get_json()
    alice.delete(f"/api/uploads/{second['id']}/")
    alice.delete(f"/api/ads/{ad}/images/{image['id']}/")
    alice.delete(f"/api/ads/{ad}/")
    audit = [line for line in lines() if line["logger"] == "broker.audit"]
    assert [(line["message"], line["user"], line.get("upload_id")) for line in audit] == [
        ("ticket.issued", 1, first["id"]),
        ("ticket.issued", 1, second["id"]),
        ("ticket.renewed", 1, first["id"]),
        ("upload.confirmed", 900, first["id"]),
        ("upload.cancelled", 1, second["id"]),
        ("image.deleted", 1, None),
        ("ad.deleted", 1, None),
    ]
    assert {line["owner"] for line in audit} == {f"ad/{ad}"}
    assert {line["client"] for line in audit} == {"127.0.0.1"}
    assert {line["via"] for line in audit} == {"api"}
    assert audit[3]["role"] == "service"
    assert audit[3]["for_user"] == 1
    assert audit[3]["key"] == first["key"]


def test_the_audit_log_shows_an_object_that_differs_from_its_declaration(
    alice: Client, s3_bucket: Bucket, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    put(s3_bucket, ticket["upload"]["fields"]["key"], b"other bytes")
    assert alice.post(ticket["confirm_url"]).get_json()["code"] == "object_mismatch"
    issued, rejected = [line for line in lines() if line["logger"] == "broker.audit"]
    assert (issued["message"], rejected["message"]) == ("ticket.issued", "upload.rejected")
    # The runbook refers to this line, because a notification and the reaper have no other client.
    assert rejected["detail"].endswith("declared one: size, upload_id.")
