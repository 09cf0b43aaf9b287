"""`PlainResponse` sends what Werkzeug's own response would send."""

from typing import Any

import pytest
from flask import Response
from werkzeug.test import EnvironBuilder, run_wsgi_app

from broker.api.middleware.plain_flask import PlainResponse

BODY = b'{"id":1}'


def sent(response: Response, method: str) -> tuple[list[bytes], str, list[tuple[str, str]]]:
    environ = EnvironBuilder(path="/api/ads/", method=method).get_environ()
    body, status, headers = run_wsgi_app(response, environ)
    return [piece for piece in body if piece], status, list(headers)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    "options",
    [
        {"response": BODY, "mimetype": "application/json"},
        {"response": BODY, "status": 404, "mimetype": "application/problem+json"},
        {"response": BODY, "status": 101},
        {"response": BODY, "status": 204},
        {"response": BODY, "status": 304, "headers": {"ETag": '"a"'}},
        {"response": BODY, "status": 202, "headers": {"Location": "/api/erasures/ä/"}},
        {"response": BODY, "headers": {"content-location": "/ä"}},
        {"response": [BODY]},
        {"response": ["text ä"], "headers": {"Content-Length": "7"}},
        {"response": None},
    ],
    ids=lambda options: f"{options.get('status', 200)}-{options.get('headers', '')}",
)
def test_body_status_and_headers_are_those_of_werkzeug(method: str, options: Any) -> None:
    assert sent(PlainResponse(**options), method) == sent(Response(**options), method)


def test_a_streamed_body_is_that_of_werkzeug() -> None:
    plain, theirs = (kind(iter([BODY, BODY])) for kind in (PlainResponse, Response))
    assert sent(plain, "GET") == sent(theirs, "GET")


def test_what_is_to_happen_at_the_end_of_a_response_happens() -> None:
    closed: list[str] = []
    response = PlainResponse(BODY)
    response.call_on_close(lambda: closed.append("closed"))
    body, _, _ = run_wsgi_app(response, EnvironBuilder().get_environ())
    assert list(body) == [BODY]
    body.close()  # type: ignore[attr-defined]
    assert closed == ["closed"]


def test_a_complete_body_is_handed_over_as_it_is() -> None:
    response = PlainResponse(BODY)
    body, _, _ = response.get_wsgi_response(EnvironBuilder().get_environ())
    assert body is response.response
