"""Parsing of requests: strict JSON, strict queries, small bodies."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

import marshmallow as ma
from flask import Flask, Request
from flask_smorest import Blueprint as SmorestBlueprint
from webargs.flaskparser import FlaskParser

from broker.api.problems.answers import ALWAYS, answered, answers
from broker.api.problems.handlers import ApiError
from broker.api.request.context import current_request
from broker.api.request.json_depth import DEPTH_MAX, is_too_deep
from broker.api.request.view_marks import view_has
from schemas.fields import the

BODY_MAX = 64 * 1024
# For 50 files, 10 000 parts, or the chunks that SeaweedFS lists for a large object.
BATCH_BODY_MAX = 1024 * 1024
# The key under which a route passes facts to `openapi.operations`.
FACTS = "x-facts"
_TOO_DEEP = f"The JSON is nested more than {DEPTH_MAX} deep."
_FORM_DETAIL = (
    "This API does not accept files. POST the file's name, content_type, size and checksum_sha256 "
    "as JSON to get a ticket, then send the file to the bucket with it."
)


class StrictParser(FlaskParser):
    """webargs' parser, but stricter."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": ma.RAISE, "query": ma.RAISE}

    def use_args(self, argmap: Any, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """Pass the parsed body or query to a view. For a body, skip webargs' generic code."""
        if kwargs != {"location": "json"} or args:
            decorator: Callable[..., Any] = super().use_args(argmap, *args, **kwargs)
            return decorator

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(view)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                request = current_request()
                try:
                    body = argmap.load(self.load_json(request, argmap))
                except ma.ValidationError as error:
                    error.messages = {"json": error.messages}
                    self.handle_error(
                        error, request, argmap, error_status_code=None, error_headers=None
                    )
                return view(*args, body, **kwargs)

            return wrapper

        return decorate

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        """Parse a JSON body. It must be UTF-8, without duplicate keys, NaN or deep nesting."""
        if getattr(schema, "BODY_MAY_BE_EMPTY", False) and not req.get_data():
            return {}
        if req.mimetype != "application/json":
            raise ApiError("unsupported_media_type", "Send Content-Type: application/json.")
        try:
            value = json.loads(
                req.get_data().decode("utf-8"),
                object_pairs_hook=_no_key_twice,
                parse_constant=_no_constant,
            )
        except RecursionError:
            raise ApiError("malformed_json", _TOO_DEEP) from None
        except ValueError:
            raise ApiError(
                "malformed_json", "The body is not valid JSON in UTF-8, or repeats a key."
            ) from None
        if is_too_deep(value):
            raise ApiError("malformed_json", _TOO_DEEP)
        return value


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class Blueprint(SmorestBlueprint):
    """flask-smorest's blueprint with the strict parser. It documents the errors that it adds."""

    ARGUMENTS_PARSER = StrictParser()

    def arguments(
        self, schema: Any, *, location: str = "json", **kwargs: Any
    ) -> Callable[..., Any]:
        """Parse a body or query, and add its error codes to those of the view."""
        if isinstance(schema, type):
            schema = the(schema)
        required = not getattr(schema, "BODY_MAY_BE_EMPTY", False)
        parsing = super().arguments(schema, location=location, required=required, **kwargs)
        codes = ["validation_error", *(["malformed_json"] if location == "json" else [])]
        return lambda view: answers(*codes)(parsing(view))

    @staticmethod
    def doc(**facts: Any) -> Callable[..., Any]:
        """Describe a view, without flask-smorest's wrapper around it."""
        describing = SmorestBlueprint.doc(**facts)

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            view._apidoc = describing(view)._apidoc  # type: ignore[attr-defined]
            return view

        return decorate

    def route(self, rule: str, *, methods: list[str], **options: Any) -> Callable[..., Any]:
        """Register a view with its name as the operation id, and document its error codes."""
        routing = super().route(rule, methods=methods, **options)

        def register(view: Callable[..., Any]) -> Callable[..., Any]:
            codes = [*ALWAYS]
            if "<" in rule:
                codes.append("not_found")
            if methods != ["GET"]:  # `limit_body`
                codes += ["body_too_large", "unsupported_media_type"]
            facts = {
                "auth": getattr(view, "auth", None),
                "codes": {*codes, *answered(view)},
                "is_public_read": getattr(view, "is_public_read", False),
            }
            described = self.doc(operationId=view.__name__, **{FACTS: facts})(view)
            registered: Callable[..., Any] = routing(described)
            return registered

        return register


def limit_body() -> None:
    """Refuse a body that is too large or contains a file, before it is read."""
    request = current_request()
    if not request.path.startswith("/api/"):
        return
    limit = BATCH_BODY_MAX if view_has("allows_large_body") else BODY_MAX
    request.max_content_length = limit
    if request.mimetype == "multipart/form-data":
        raise ApiError("unsupported_media_type", _FORM_DETAIL)
    size = request.content_length
    if size is None and "Transfer-Encoding" in request.headers:
        # Werkzeug truncates a chunked body at its limit, so allow one byte more to notice it.
        request.max_content_length = limit + 1
        size = len(request.get_data())
    if (size or 0) > limit:
        raise ApiError("body_too_large", f"The body may have at most {limit} bytes.")


def init_app(app: Flask) -> None:
    """Register the check of every request's body."""
    app.before_request(limit_body)
