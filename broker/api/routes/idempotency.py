"""The Idempotency-Key header: draft-ietf-httpapi-idempotency-key-header-07."""

import hashlib
import re
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from typing import Any, Generic, ParamSpec, TypeVar

from flask import Response, g, jsonify, request

from broker.api.auth.tokens import principal
from broker.api.problems.answers import answers
from broker.api.problems.handlers import ApiError
from broker.api.request.context import current
from broker.api.request.headers import IDEMPOTENCY_KEY
from broker.api.request.parsing import Blueprint
from broker.services import idempotency as service

REPLAYED_HEADER = "Idempotency-Replayed"
KEY_MAX = 255
# RFC 9651, section 3.3.3: a String, as the draft requires.
_CHARACTER = r'(?:[ !#-\[\]-~]|\\["\\])'
_QUOTED = re.compile(f'"({_CHARACTER}*)"')
# The form that most clients send. No comma, because two headers arrive joined by a comma.
_BARE = re.compile(r"[!#-+\--~]+")
_PATTERN = f'^("{_CHARACTER}{{1,{KEY_MAX}}}"|[!#-+\\--~]{{1,{KEY_MAX}}})$'
_PARAMETER = {
    "in": "header",
    "name": IDEMPOTENCY_KEY,
    "required": False,
    "schema": {"type": "string", "pattern": _PATTERN},
    "description": (
        f"A key of the client's own for this one creation, 1 to {KEY_MAX} visible ASCII "
        "characters, such as a UUID; in double quotes or bare. For 24 hours the same user's "
        "request with the same key and body gets the first one's answer again, with "
        f"`{REPLAYED_HEADER}: true`; with another body or path 422 `idempotency_key_reused`; "
        "while the first is at work 409 `idempotency_in_flight`. A request that failed "
        "leaves its key free."
    ),
}
_CODES = ("invalid_idempotency_key", "idempotency_in_flight", "idempotency_key_reused")
P = ParamSpec("P")
R = TypeVar("R")


def idempotent(blueprint: Blueprint) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Make a view that uses `Created` safe to retry. Apply it below `requires_token`.

    The key is claimed before the body is parsed. So every different body gets the same error, and a
    replay works even if the body would not be accepted any more.
    """

    def decorate(view: Callable[P, Response]) -> Callable[P, Response]:
        @wraps(view)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> Response:
            key = _key()
            if key is None:
                return view(*args, **kwargs)
            found = _claim(key)
            if isinstance(found, service.Replay):
                return _replayed(found)
            g.idempotency_claim = found
            with ExitStack() as failed:
                failed.callback(_release, found)
                response = view(*args, **kwargs)
                failed.pop_all()
            return response

        documented: Callable[P, Response] = blueprint.doc(parameters=[_PARAMETER])(wrapper)
        return answers(*_CODES)(documented)

    return decorate


class Created(Generic[R]):
    """The 201 response for a resource that a service creates.

    If the request has a key, the service stores this response in the transaction that creates the
    resource: `answer` tells it how to write the body.

    Args:
        shape: returns what `jsonify` can write.
    """

    def __init__(self, shape: Callable[[R], dict[str, Any]]) -> None:
        self._shape = shape
        self._response: Response | None = None

    @property
    def answer(self) -> service.KeptAnswer[R] | None:
        """Return the answer for the service to store; None for a request without a key."""
        claim: service.Claim | None = g.get("idempotency_claim")
        if claim is None:
            return None
        return service.KeptAnswer(claim=claim, status=201, body_of=self._body)

    def response(self, made: R) -> Response:
        """Return the response, to be sent after the commit."""
        if self._response is None:
            self._response = jsonify(self._shape(made))
            self._response.status_code = 201
        return self._response

    def _body(self, made: R) -> str:
        return self.response(made).get_data(as_text=True)


def _key() -> str | None:
    """Return the request's key without quotes; None if it has none."""
    value = request.headers.get(IDEMPOTENCY_KEY)
    if value is None:
        return None
    value = value.strip(" \t")
    if quoted := _QUOTED.fullmatch(value):
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    else:
        key = value if _BARE.fullmatch(value) else ""
    if not 1 <= len(key) <= KEY_MAX:
        detail = f'Send one key of 1 to {KEY_MAX} visible ASCII characters, such as "<a UUID>".'
        raise ApiError("invalid_idempotency_key", detail)
    return key


def _claim(key: str) -> service.Claim | service.Replay:
    line = f"{request.method} {request.path.rstrip('/')}\n"
    fingerprint = hashlib.sha256(line.encode() + request.get_data()).hexdigest()
    with current().work(principal()) as work:
        return service.claim(work, key=key, fingerprint=fingerprint)


def _release(claim: service.Claim) -> None:
    with current().work(principal()) as work:
        service.release(work, claim)


def _replayed(first: service.Replay) -> Response:
    response = Response(first.body, status=first.status, mimetype="application/json")
    response.headers[REPLAYED_HEADER] = "true"
    return response
