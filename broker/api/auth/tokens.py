"""Bearer tokens of the marketplace, verified by flask-jwt-extended (RFC 7519, RFC 6750)."""

import time
import unicodedata
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import Flask, current_app, g, request
from flask_jwt_extended import JWTManager, get_jwt, verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException, NoAuthorizationError
from jwt import ExpiredSignatureError, InvalidKeyError, PyJWTError

from broker.api.auth.jwks import KeySet
from broker.api.auth.verified_tokens import VerifiedTokens
from broker.api.problems.answers import answers
from broker.api.problems.handlers import ApiError
from broker.api.rate_limits.limits import count_request
from broker.api.request.context import current
from broker.config import Settings
from broker.domain.principal import Principal, Role
from broker.domain.subjects import SUBJECT_MAX, own_id, subject_of
from broker.services.marketplace.sign_in import sign_in
from broker.telemetry.context import context

LEEWAY_SECONDS = 10
TOKEN_CODES = ("token_missing", "token_invalid", "token_expired", "keys_unavailable")
P = ParamSpec("P")
R = TypeVar("R")


def init_app(app: Flask, settings: Settings) -> None:
    """Configure the verifier with one algorithm and its key."""
    app.config["JWT_TOKEN_LOCATION"] = ["headers"]
    app.config["JWT_ALGORITHM"] = settings.jwt_algorithm
    app.config["JWT_DECODE_ALGORITHMS"] = [settings.jwt_algorithm]
    app.config["JWT_DECODE_LEEWAY"] = LEEWAY_SECONDS
    app.config["JWT_IDENTITY_CLAIM"] = settings.jwt_user_claim
    # `_principal` checks the claim, and accepts integers, too.
    app.config["JWT_VERIFY_SUB"] = False
    app.config["JWT_DECODE_ISSUER"] = settings.jwt_issuer
    app.config["JWT_DECODE_AUDIENCE"] = settings.jwt_audience
    app.extensions["verified_tokens"] = VerifiedTokens()
    manager = JWTManager(app)
    if settings.jwt_jwks_url is not None:
        keys = KeySet(settings.jwt_jwks_url)

        def key_of(header: Mapping[str, Any], _claims: Mapping[str, Any]) -> Any:
            key = keys.key(header.get("kid"))
            if key is None:
                raise InvalidKeyError("no such key")
            return key

    else:
        secret = settings.jwt_secret
        key = secret.get_secret_value() if secret else settings.jwt_public_key_pem

        def key_of(header: Mapping[str, Any], _claims: Mapping[str, Any]) -> Any:
            return key

    manager.decode_key_loader(key_of)


def principal() -> Principal:
    """Return the verified caller, in a view behind `requires_token`."""
    found: Principal = g.principal
    return found


def caller() -> Principal | None:
    """Return the caller of a public view; None if the request has no token."""
    found: Principal | None = g.get("principal")
    return found


def requires_token(view: Callable[P, R]) -> Callable[P, R]:
    """Run the view only for a request with a valid token."""
    return _authenticated(view, optional=False)


def accepts_token(view: Callable[P, R]) -> Callable[P, R]:
    """Run the view with or without a token; a token that is sent must be valid."""
    return _authenticated(view, optional=True)


def _authenticated(view: Callable[P, R], *, optional: bool) -> Callable[P, R]:
    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        _authenticate(optional=optional)
        return view(*args, **kwargs)

    wrapper.auth = "optional" if optional else "required"  # type: ignore[attr-defined]
    codes = TOKEN_CODES[1:] if optional else TOKEN_CODES
    return answers(*codes)(wrapper)


def _authenticate(*, optional: bool) -> None:
    started = time.perf_counter()
    header = request.headers.get("Authorization", "")
    tokens: VerifiedTokens = current_app.extensions["verified_tokens"]
    known = tokens.recall(header)
    claims = None
    try:
        if known is None:
            claims = _claims(optional=optional)
        found = known if claims is None else _principal(claims)
    finally:
        context.token += time.perf_counter() - started
    if found is not None and claims is not None:
        # Before the request is counted: only the database knows the id of a mapped subject.
        with current().work(found) as work:
            found = sign_in(work)
        tokens.remember(header, found, int(claims["exp"]))
    count_request(found)
    if found is not None:
        g.principal = found


def _claims(*, optional: bool) -> Mapping[str, Any] | None:
    """Return the claims of the request's token; None if the token is optional and missing."""
    try:
        if verify_jwt_in_request(optional=optional) is None:
            return None
    except NoAuthorizationError:
        raise ApiError(
            "token_missing", "Send the header Authorization: Bearer with a token."
        ) from None
    except ExpiredSignatureError:
        raise ApiError("token_expired", "The token has expired; get a new one.") from None
    except (PyJWTError, JWTExtendedException, ValueError, TypeError, OverflowError):
        # The last three: parts of the token are not JSON, or claims have wrong types.
        raise ApiError("token_invalid", "The token cannot be verified.") from None
    claims: Mapping[str, Any] = get_jwt()
    return claims


def _principal(claims: Mapping[str, Any]) -> Principal:
    name = current().settings.jwt_user_claim
    subject, role = subject_of(claims.get(name)), claims.get("role", Role.USER)
    if subject is None:
        raise ApiError(
            "token_invalid",
            f"The token's {name} must be a string of 1 to {SUBJECT_MAX} characters without control"
            " characters.",
        )
    if "exp" not in claims:
        raise ApiError("token_invalid", "The token has no exp.")
    if role not in (Role.USER, Role.SERVICE):
        raise ApiError("token_invalid", "The token's role must be user or service.")
    return Principal(
        user_id=own_id(subject) or 0,
        subject=subject,
        role=Role(role),
        email=_text(claims.get("email"), 254) or None,
        first_name=_text(claims.get("first_name"), 150),
        last_name=_text(claims.get("last_name"), 150),
    )


def _text(claim: object, length: int) -> str:
    """Return a claim's text without control characters; unusual names must not prevent sign-in."""
    if not isinstance(claim, str):
        return ""
    kept = (character for character in claim if unicodedata.category(character) not in ("Cc", "Cs"))
    return "".join(kept)[:length]
