"""Details of operations that flask-smorest does not add: problems, examples, headers, links."""

from collections.abc import Iterable
from typing import Any

from apispec import BasePlugin

from broker.api.openapi.links import links_of
from broker.api.problems.handlers import MEDIA_TYPE
from broker.api.problems.table import PROBLEMS
from broker.api.request.headers import IDEMPOTENCY_KEY
from broker.api.request.parsing import FACTS
from broker.domain.rejections import RejectionReason
from schemas.examples import EXAMPLES, PARAMETERS

SECURITY: dict[str | None, list[dict[str, list[str]]]] = {
    "required": [{"bearer": []}],
    "optional": [{}, {"bearer": []}],
    "secret": [{"bucket": []}],
    "capability": [],  # this parameter is in the path
    None: [],
}
HEADERS = {
    "X-Request-ID": "The id of this request in the broker's log.",
    "ETag": "The version of this answer, without a token. Send it in `If-None-Match` next time.",
    "Cache-Control": (
        "Without a token, `s-maxage` says how long a shared cache may show this answer. With one, "
        "no cache may."
    ),
    "Location": "Where to read how far this is.",
    "Retry-After": "Seconds to wait before trying again, if that can help.",
    "RateLimit": "What is left of each rate limit: `r` requests in the next `t` seconds.",
    "RateLimit-Policy": "The rate limits of this request: `q` requests in `w` seconds.",
    "Idempotency-Replayed": "`true` if this repeats the first response for this `Idempotency-Key`.",
    "WWW-Authenticate": (
        "`Bearer`, with `error` and `error_description` if the request had a token (RFC 6750)."
    ),
}
# Members of one code only, besides those of RFC 9457.
MEMBERS: dict[str, dict[str, Any]] = {
    "upload_rejected": {"reason": {"type": "string", "enum": list(RejectionReason)}}
}
RETRIED = (409, 429, 503)
# An upload in processing is read again later.
POLLED = ("Upload", "UploadList", "UploadPage")
ACCEPTED = "202"
COUNTED = ("RateLimit", "RateLimit-Policy")
CACHED = ("ETag", "Cache-Control")


class Operations(BasePlugin):
    """An apispec plugin that completes each operation with the facts of its route."""

    def path_helper(
        self,
        path: str | None = None,
        operations: dict[str, Any] | None = None,
        parameters: list[dict[str, Any]] | None = None,
        **kwargs: Any,
    ) -> str | None:
        """Add an example to each path parameter."""
        _give_parameters_examples(parameters or [])
        return None

    def operation_helper(
        self, path: str | None = None, operations: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """Replace flask-smorest's default errors with the codes of the operation."""
        for operation in (operations or {}).values():
            facts = operation.pop(FACTS)
            _give_parameters_examples(operation.get("parameters", []))
            operation["security"] = SECURITY[facts["auth"]]
            responses = {
                str(int(status)): response
                for status, response in operation["responses"].items()
                if isinstance(response, dict)  # default errors are names of components
            }
            keyed = any(one["name"] == IDEMPOTENCY_KEY for one in operation.get("parameters", []))
            for status, response in responses.items():
                _describe_success(status, response, keyed=keyed)
                if links := links_of(operation["operationId"]):
                    response["links"] = links
            if body := operation.get("requestBody"):
                _give_examples(body)
            if facts["is_public_read"]:
                _describe_cached(responses)
            operation["responses"] = responses | problem_responses(facts["codes"])


def _describe_success(status: str, response: dict[str, Any], *, keyed: bool) -> None:
    names = ["X-Request-ID", *COUNTED, *(["Idempotency-Replayed"] if keyed else [])]
    _give_examples(response)
    for content in response.get("content", {}).values():
        is_polled = content["schema"].get("$ref", "").rpartition("/")[2] in POLLED
        if is_polled:
            names.append("Retry-After")
        if status == ACCEPTED and not is_polled:
            names.append("Location")
        elif status == ACCEPTED:
            content["examples"] = {"processing": content["examples"]["processing"]}
    response["headers"] = {name: component(name) for name in names}


def _describe_cached(responses: dict[str, Any]) -> None:
    """Add 304, and the headers that caches read."""
    headers = {name: component(name) for name in CACHED}
    responses["200"]["headers"] |= headers
    responses["304"] = {
        "description": "The answer still has the `ETag` that `If-None-Match` names. Only requests "
        "without a token get this.",
        "headers": {"X-Request-ID": component("X-Request-ID"), **headers},
    }


def _give_examples(message: dict[str, Any]) -> None:
    for content in message.get("content", {}).values():
        schema = content["schema"]
        named = schema if "$ref" in schema else schema["items"]
        examples = EXAMPLES[named["$ref"].rpartition("/")[2]]
        if named is not schema:
            examples = {name: [value] for name, value in examples.items()}
        content["examples"] = {name: {"value": value} for name, value in examples.items()}


def _give_parameters_examples(parameters: Iterable[dict[str, Any]]) -> None:
    for parameter in parameters:
        if parameter["required"]:
            parameter["example"] = PARAMETERS[parameter["name"]]


def problem_responses(codes: Iterable[str]) -> dict[str, Any]:
    """Return a response for each status. It lists its codes in the order of PROBLEMS."""
    by_status: dict[int, list[str]] = {}
    for code in PROBLEMS:
        if code in codes:
            by_status.setdefault(PROBLEMS[code].status, []).append(code)
    return {str(status): _response(status, by_status[status]) for status in sorted(by_status)}


def _response(status: int, codes: list[str]) -> dict[str, Any]:
    names = ["X-Request-ID", *COUNTED]
    if status in RETRIED:
        names.append("Retry-After")
    if status == 401:
        names.append("WWW-Authenticate")
    schemas = [schema_name(code) for code in codes]
    return {
        "description": "\n".join(f"- `{code}`: {_explained(code)}" for code in codes),
        "headers": {name: component(name) for name in names},
        "content": {
            MEDIA_TYPE: {
                "schema": schemas[0] if len(schemas) == 1 else {"oneOf": schemas},
                "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
            }
        },
    }


def schema_name(code: str) -> str:
    """Return the name of a code's schema, such as ObjectMissingProblem."""
    return component(code.replace("_", "-").title()) + "Problem"


def component(header: str) -> str:
    """Return the name of a header's component."""
    return header.replace("-", "")


def problem_schema(base: dict[str, Any], code: str) -> dict[str, Any]:
    """Return the schema of a code: `base` with a fixed status and code."""
    fixed = {
        "status": {"type": "integer", "const": PROBLEMS[code].status},
        "code": {"type": "string", "const": code},
    }
    members = MEMBERS.get(code, {})
    return {
        **base,
        "description": _explained(code),
        "required": [*base["required"], *members],
        "properties": base["properties"] | fixed | members,
    }


def example(code: str) -> dict[str, Any]:
    """Return an example of a problem."""
    row = PROBLEMS[code]
    fault = {"errors": {"size": ["Missing data for required field."]}}
    return {
        "type": f"/docs/errors#{code}",
        "title": row.title,
        "status": row.status,
        "detail": f"{row.title}.",
        "code": code,
        **(fault if code == "validation_error" else {}),
        **{name: schema["enum"][0] for name, schema in MEMBERS.get(code, {}).items()},
    }


def _explained(code: str) -> str:
    row = PROBLEMS[code]
    return f"{row.meaning[0].upper()}{row.meaning[1:]}. What to do: {row.advice}."
