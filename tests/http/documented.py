"""Checks answers against the OpenAPI document: status, code and schema of the body."""

import functools
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask_smorest.spec.plugins import FlaskPlugin
from jsonschema import Draft202012Validator
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.test import TestResponse

from broker.app import create_app
from broker.config import Settings

BODY_MAX = 200_000  # bytes, because validating ten thousand parts would take seconds


@functools.cache
def document() -> dict[str, Any]:
    """Return the document, which is the same for every app."""
    app = create_app(
        Settings(database_url="sqlite://", s3_bucket="media-bucket", jwt_secret="x" * 32)
    )
    found: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    app.extensions["broker"].database.dispose()
    return found


@functools.cache
def validator(path: str, method: str, status: str) -> Draft202012Validator:
    """Return the validator for the answers of one operation with one status."""
    responses = document()["paths"][path][method]["responses"]
    assert status in responses, f"{method} {path} does not tell of {status}"
    ((_, content),) = responses[status].get("content", {"": {"schema": {}}}).items()
    return Draft202012Validator({**content["schema"], "components": document()["components"]})


def assert_documented(app: Flask, method: str, path: str, answer: TestResponse) -> None:
    """Check that the document contains this answer of an operation."""
    routes = app.url_map.bind("localhost")
    try:
        rule, _ = routes.match(urlsplit(path).path, method, return_rule=True)
    except (HTTPException, RequestRedirect):
        return
    template = FlaskPlugin.flaskpath2openapi(rule.rule)
    if not template.startswith("/api/") or method == "OPTIONS":
        return
    asked = "get" if method == "HEAD" else method.lower()
    found = validator(template, asked, str(answer.status_code))
    if answer.is_json and 0 < len(answer.data) < BODY_MAX:
        errors = [error.message for error in found.iter_errors(answer.get_json())]
        assert errors == [], f"{method} {path}: {answer.text[:500]}"
