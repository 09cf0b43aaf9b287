"""Answer errors with problem+json (RFC 9457). The codes and their texts are in `table`."""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, has_request_context, request
from werkzeug.exceptions import HTTPException

from broker.api.problems.table import PROBLEMS
from broker.domain.errors import BrokerError

_BY_STATUS = {
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "validation_error",
}
MEDIA_TYPE = "application/problem+json"
UPPY_PATH = "/api/uppy/"
log = logging.getLogger("broker.problems")


class ApiError(BrokerError):
    """An error that only the HTTP API raises, such as a missing token.

    `code` is a key of PROBLEMS.
    """

    def __init__(self, code: str, detail: str, fields: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail, fields)
        self.code = code  # type: ignore[misc]


def problem(
    code: str,
    detail: str,
    fields: Mapping[str, Any] | None = None,
    members: Mapping[str, Any] | None = None,
) -> Response:
    """Return the problem+json response of a code, with further members of its type."""
    row = PROBLEMS[code]
    body: dict[str, Any] = {
        "type": f"/docs/errors#{code}",
        "title": row.title,
        "status": row.status,
        "detail": detail,
        "code": code,
        **(members or {}),
    }
    if fields:
        body["errors"] = fields
    if has_request_context():
        g.problem_code = code
    if has_request_context() and request.path.startswith(UPPY_PATH):
        # Uppy 6 reads Companion's `error`. Uppy 5 shows `message` to people.
        body["error"] = body["message"] = _in_one_line(detail, fields)
    answer = Response(json.dumps(body), status=row.status, mimetype=MEDIA_TYPE)
    if row.status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = _challenge(code, detail)
    return answer


def _challenge(code: str, detail: str) -> str:
    """Return the challenge of a 401 (RFC 6750, section 3). Details of a 401 need no escapes."""
    if code == "token_missing":
        return "Bearer"
    return f'Bearer error="invalid_token", error_description="{detail}"'


def _in_one_line(detail: str, fields: Mapping[str, Any] | None) -> str:
    """Return the detail and the messages of the fields in one line."""
    faults = [
        f"{name}: {' '.join(messages)}"
        for name, messages in (fields or {}).items()
        if isinstance(messages, list) and all(isinstance(one, str) for one in messages)
    ]
    return " ".join([detail, *faults])


def handle_broker_error(error: BrokerError) -> Response:
    """Answer an error of the broker with the problem of its code."""
    if PROBLEMS[error.code].status == HTTPStatus.SERVICE_UNAVAILABLE:
        log.error("%s: %s", error.code, error.for_operators)
    answer = problem(error.code, error.detail, error.fields, error.members)
    if error.retry_after is not None:
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def handle_http_exception(error: HTTPException) -> Response:
    """Answer an error that Flask, Werkzeug or webargs raised, without HTML or a traceback."""
    status = error.code or 500
    code = _BY_STATUS.get(status, "internal_error" if status >= 500 else "bad_request")
    if code == "internal_error":
        detail = "Something went wrong on our side. We've logged it; please try again."
    else:
        detail = PROBLEMS[code].title + "."
    answer = problem(code, detail, _messages(error))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def _messages(error: HTTPException) -> dict[str, Any] | None:
    """Return webargs' messages by field, without the outer location (`json`, `query`)."""
    messages = getattr(error, "data", {}).get("messages")
    if not isinstance(messages, dict):
        return None
    flat: dict[str, Any] = {}
    for found in messages.values():
        flat.update(found if isinstance(found, dict) else {"_schema": found})
    return flat


def init_app(app: Flask) -> None:
    """Register the error handlers. Flask logs an unexpected exception and answers it with 500."""
    app.register_error_handler(BrokerError, handle_broker_error)
    app.register_error_handler(HTTPException, handle_http_exception)
