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
from broker.api.request.context import current, utc_now
from broker.api.request.parsing import Blueprint
from broker.db.session import Session
from broker.services import idempotency as service

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
KEY_MAX = 255
# RFC 9651, section 3.3.3: a String, which is what the draft asks for.
_CHARACTER = r'(?:[ !#-\[\]-~]|\\["\\])'
_QUOTED = re.compile(f'"({_CHARACTER}*)"')
# What most clients send. It excludes the comma, which joins two headers.
_BARE = re.compile(r"[!#-+\--~]+")
_PATTERN = f'^("{_CHARACTER}{{1,{KEY_MAX}}}"|[!#-+\\--~]{{1,{KEY_MAX}}})$'
_PARAMETER = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "schema": {"type": "string", "pattern": _PATTERN},
    "description": (
        f"A key that the client chooses for this request, such as a UUID: 1 to {KEY_MAX} visible "
        "ASCII characters, with or without double quotes. For 24 hours, the same request with the "
        f"same key gets the first response again, with `{REPLAYED_HEADER}: true`. Another body or "
        "path gets 422 `idempotency_key_reused`. While the first request is in progress, the "
        "answer is 409 `idempotency_in_flight`. A failed request does not use up its key."
    ),
}
_CODES = ("invalid_idempotency_key", "idempotency_in_flight", "idempotency_key_reused")
P = ParamSpec("P")
R = TypeVar("R")


def idempotent(blueprint: Blueprint) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Make a view that returns `Created` safe to retry. Apply it below `requires_token`.

    The key is claimed before the body is parsed. So every other body is refused in the same way,
    and a replay does not depend on which bodies are valid by then.
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
    """The 201 response for what a service creates.

    `shape` returns JSON types. If the request has a key, the response is stored in the same
    transaction, before the commit.
    """

    def __init__(self, session: Session, shape: Callable[[R], dict[str, Any]]) -> None:
        self._session = session
        self._shape = shape
        self._claim: service.Claim | None = g.get("idempotency_claim")
        self._response: Response | None = None

    @property
    def before_commit(self) -> Callable[[R], None] | None:
        """What the service calls before it commits, or None if the request has no key."""
        return None if self._claim is None else self._keep

    def response(self, made: R) -> Response:
        """Return the response. Send it only after the commit."""
        return self._response or self._written(made)

    def _keep(self, made: R) -> None:
        assert self._claim is not None  # noqa: S101 - `before_commit` has looked
        self._response = self._written(made)
        body = self._response.get_data(as_text=True)
        service.fulfil(self._session, self._claim, status=201, body=body)

    def _written(self, made: R) -> Response:
        response = jsonify(self._shape(made))
        response.status_code = 201
        return response


def _key() -> str | None:
    """Return the request's key without quotes, or None if it has none."""
    value = request.headers.get(HEADER)
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
    with current().database.session() as session:
        return service.claim(
            session,
            user_id=principal().user_id,
            key=key,
            fingerprint=fingerprint,
            now=utc_now(),
        )


def _release(claim: service.Claim) -> None:
    with current().database.session() as session:
        service.release(session, claim)


def _replayed(first: service.Replay) -> Response:
    response = Response(first.body, status=first.status, mimetype="application/json")
    response.headers[REPLAYED_HEADER] = "true"
    return response
