"""Errors as RFC 9457 problem+json. PROBLEMS is the one table of statuses."""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, has_request_context, request
from werkzeug.exceptions import HTTPException

from broker.domain.errors import BrokerError

PROBLEMS: dict[str, tuple[HTTPStatus, str]] = {
    "malformed_json": (HTTPStatus.BAD_REQUEST, "The body is not the JSON that is expected"),
    "bad_request": (HTTPStatus.BAD_REQUEST, "The request cannot be read"),
    "invalid_idempotency_key": (HTTPStatus.BAD_REQUEST, "Not an Idempotency-Key"),
    "token_missing": (HTTPStatus.UNAUTHORIZED, "A bearer token is needed"),
    "token_invalid": (HTTPStatus.UNAUTHORIZED, "The token is not valid"),
    "events_secret_invalid": (HTTPStatus.UNAUTHORIZED, "Not the secret of the bucket's events"),
    "token_expired": (HTTPStatus.UNAUTHORIZED, "The token has expired"),
    "forbidden": (HTTPStatus.FORBIDDEN, "Not yours"),
    "capability_invalid": (HTTPStatus.FORBIDDEN, "Not an endpoint of ours"),
    "capability_expired": (HTTPStatus.FORBIDDEN, "The endpoint has expired"),
    "capability_revoked": (HTTPStatus.FORBIDDEN, "The endpoint was revoked"),
    "capability_exhausted": (HTTPStatus.FORBIDDEN, "The endpoint is used up"),
    "not_found": (HTTPStatus.NOT_FOUND, "Not found"),
    "method_not_allowed": (HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed"),
    "object_missing": (HTTPStatus.CONFLICT, "The object has not arrived"),
    "parts_missing": (HTTPStatus.CONFLICT, "Not every part has arrived"),
    "not_multipart": (HTTPStatus.CONFLICT, "The upload has no planned parts"),
    "upload_settled": (HTTPStatus.CONFLICT, "The upload is confirmed already"),
    "image_limit_reached": (HTTPStatus.CONFLICT, "No place is left"),
    "idempotency_in_flight": (HTTPStatus.CONFLICT, "The first request is still at work"),
    "upload_expired": (HTTPStatus.GONE, "The upload has expired"),
    "upload_cancelled": (HTTPStatus.GONE, "The upload was cancelled"),
    "image_deleted": (HTTPStatus.GONE, "The image was deleted"),
    "body_too_large": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large"),
    "unsupported_media_type": (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "JSON is expected"),
    "validation_error": (HTTPStatus.UNPROCESSABLE_ENTITY, "A field cannot be accepted"),
    "idempotency_key_reused": (HTTPStatus.UNPROCESSABLE_ENTITY, "The key is another request's"),
    "avatar_not_confirmed": (HTTPStatus.UNPROCESSABLE_ENTITY, "Not a confirmed avatar"),
    "invalid_event": (HTTPStatus.UNPROCESSABLE_ENTITY, "Not a bucket's notification"),
    "object_mismatch": (HTTPStatus.UNPROCESSABLE_ENTITY, "Other bytes than declared"),
    "rate_limited": (HTTPStatus.TOO_MANY_REQUESTS, "Too many requests"),
    "quota_exceeded": (HTTPStatus.TOO_MANY_REQUESTS, "The quota is used up"),
    "internal_error": (HTTPStatus.INTERNAL_SERVER_ERROR, "A fault of the broker's own"),
    "events_not_configured": (HTTPStatus.SERVICE_UNAVAILABLE, "Events are not set up here"),
    "uppy_not_configured": (HTTPStatus.SERVICE_UNAVAILABLE, "Uppy is not set up here"),
    "draining": (HTTPStatus.SERVICE_UNAVAILABLE, "The process is about to end"),
    "storage_unavailable": (HTTPStatus.SERVICE_UNAVAILABLE, "The bucket does not answer"),
    "storage_denied": (HTTPStatus.SERVICE_UNAVAILABLE, "The bucket refuses the broker"),
    "keys_unavailable": (HTTPStatus.SERVICE_UNAVAILABLE, "The issuer of tokens is away"),
    "database_unavailable": (HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer"),
}
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
    """An error that only HTTP has, such as a missing token; `code` is one of PROBLEMS."""

    def __init__(self, code: str, detail: str, fields: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail, fields)
        self.code = code  # type: ignore[misc]


def problem(code: str, detail: str, fields: Mapping[str, Any] | None = None) -> Response:
    """Make the answer for one code."""
    status, title = PROBLEMS[code]
    body: dict[str, Any] = {
        "type": f"/docs/errors#{code}",
        "title": title,
        "status": status.value,
        "detail": detail,
        "code": code,
    }
    if fields:
        body["errors"] = fields
    if has_request_context():
        g.problem_code = code
    if has_request_context() and request.path.startswith(UPPY_PATH):
        # Uppy reads Companion's `error` (6.x) and shows `message` to people (5.x).
        body["error"] = body["message"] = _in_one_line(detail, fields)
    answer = Response(json.dumps(body), status=status.value, mimetype=MEDIA_TYPE)
    if status is HTTPStatus.UNAUTHORIZED:
        challenge = "Bearer" if code == "token_missing" else 'Bearer error="invalid_token"'
        answer.headers["WWW-Authenticate"] = challenge
    return answer


def _in_one_line(detail: str, fields: Mapping[str, Any] | None) -> str:
    """Say what is wrong with which field, for a reader who sees one line alone."""
    faults = [
        f"{name}: {' '.join(messages)}"
        for name, messages in (fields or {}).items()
        if isinstance(messages, list) and all(isinstance(one, str) for one in messages)
    ]
    return " ".join([detail, *faults])


def handle_broker_error(error: BrokerError) -> Response:
    """Answer an error of ours by the table."""
    if PROBLEMS[error.code][0] is HTTPStatus.SERVICE_UNAVAILABLE:
        log.error("%s: %s", error.code, error.detail)
    answer = problem(error.code, error.detail, error.fields)
    if error.retry_after is not None:
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def handle_http_exception(error: HTTPException) -> Response:
    """Answer what Flask, Werkzeug or webargs raised; never HTML, never a trace."""
    status = error.code or 500
    code = _BY_STATUS.get(status, "internal_error" if status >= 500 else "bad_request")
    if code == "internal_error":
        detail = "Something went wrong here; it has been logged."
    else:
        detail = PROBLEMS[code][1] + "."
    answer = problem(code, detail, _messages(error))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def _messages(error: HTTPException) -> dict[str, Any] | None:
    """Give webargs' messages without the name of the location they were found in."""
    messages = getattr(error, "data", {}).get("messages")
    if not isinstance(messages, dict):
        return None
    flat: dict[str, Any] = {}
    for found in messages.values():
        flat.update(found if isinstance(found, dict) else {"_schema": found})
    return flat


def init_app(app: Flask) -> None:
    """Register the handlers; an unexpected exception is logged by Flask and answered as a 500."""
    app.register_error_handler(BrokerError, handle_broker_error)
    app.register_error_handler(HTTPException, handle_http_exception)
