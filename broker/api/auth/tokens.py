"""Bearer tokens of the marketplace, verified by flask-jwt-extended (RFC 7519, RFC 6750)."""

import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import Flask, g, request
from flask_jwt_extended import JWTManager, get_jwt, verify_jwt_in_request
from flask_jwt_extended.exceptions import NoAuthorizationError
from jwt import InvalidAlgorithmError

from broker.api.auth.claims import principal_of
from broker.api.auth.erased_users import ErasedUsers, erased_users, read_erased
from broker.api.auth.refusals import ERRORS, TokenRefused, reason_of
from broker.api.auth.signing_keys import SigningKeys, signing_keys
from broker.api.auth.token_type import is_access_token
from broker.api.auth.verified_tokens import VerifiedTokens
from broker.api.problems.answers import answers
from broker.api.problems.handlers import ApiError
from broker.api.rate_limits.limits import count_request
from broker.api.request.context import current, current_app, current_values
from broker.config import Settings
from broker.domain.errors import CallerErased
from broker.domain.principal import Principal
from broker.services.marketplace.sign_in import sign_in
from broker.telemetry.context import context
from broker.telemetry.metrics import TOKENS_REFUSED

TOKEN_CODES = ("token_missing", "token_invalid", "token_expired", "keys_unavailable")
P = ParamSpec("P")
R = TypeVar("R")


def init_app(app: Flask, settings: Settings) -> None:
    """Configure the verifier with one algorithm and its keys."""
    app.config["JWT_TOKEN_LOCATION"] = ["headers"]
    app.config["JWT_ALGORITHM"] = settings.jwt_algorithm
    app.config["JWT_DECODE_ALGORITHMS"] = [settings.jwt_algorithm]
    app.config["JWT_DECODE_LEEWAY"] = settings.jwt_leeway
    app.config["JWT_IDENTITY_CLAIM"] = settings.jwt_user_claim
    # `principal_of` checks the claim; it also accepts integers.
    app.config["JWT_VERIFY_SUB"] = False
    app.config["JWT_DECODE_ISSUER"] = settings.jwt_issuer
    app.config["JWT_DECODE_AUDIENCE"] = settings.jwt_audience
    app.extensions["signing_keys"] = signing_keys(settings)
    app.extensions["verified_tokens"] = VerifiedTokens()
    app.extensions["erased_users"] = ErasedUsers(read_erased)
    manager = JWTManager(app)

    @manager.decode_key_loader
    def key_of(header: Mapping[str, Any], _claims: Mapping[str, Any]) -> Any:
        if header.get("alg") != settings.jwt_algorithm:
            raise InvalidAlgorithmError  # before the issuer is asked for its key
        keys: SigningKeys = current_app().extensions["signing_keys"]
        kid = header.get("kid")
        key = keys.key(kid)
        if key is None:
            raise TokenRefused("unknown_key")
        g.signing_key = (kid, key)
        return key

    @manager.token_verification_loader
    def has_right_type(header: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
        return is_access_token(header, claims, settings.jwt_token_type)


def principal() -> Principal:
    """Return the verified caller, in a view behind `requires_token`."""
    found: Principal = current_values().principal
    return found


def caller() -> Principal | None:
    """Return the caller of a public view; None if the request has no token."""
    found: Principal | None = current_values().get("principal")
    return found


def token_missing() -> ApiError:
    """Return the error of a request that needs a token and has none."""
    return ApiError("token_missing", "Send the header Authorization: Bearer with a token.")


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
    header = request.headers.get("Authorization", "")
    if optional and not header:
        count_request(None)
        return
    started = time.perf_counter()
    tokens: VerifiedTokens = current_app().extensions["verified_tokens"]
    keys: SigningKeys = current_app().extensions["signing_keys"]
    known = tokens.recall(header, keys)
    claims = None
    try:
        if known is None:
            claims = _claims(optional=optional)
        found = known if claims is None else principal_of(claims, current().settings)
    except TokenRefused as error:
        raise _refused(error) from None
    finally:
        context.token += time.perf_counter() - started
    if known is not None and erased_users().has(known):
        raise _refused(TokenRefused("user_erased"))
    if found is not None and claims is not None:
        # Before the request is counted: only the database knows the id of a mapped subject.
        found = _sign_in(found)
        tokens.remember(header, found, int(claims["exp"]), g.signing_key)
    count_request(found)
    if found is not None:
        g.principal = found


def _sign_in(found: Principal) -> Principal:
    try:
        with current().work(found) as work:
            return sign_in(work)
    except CallerErased:
        raise _refused(TokenRefused("user_erased")) from None


def _refused(error: TokenRefused) -> TokenRefused:
    """Return the error after it was counted."""
    g.token_refused = error.reason
    TOKENS_REFUSED.labels(error.reason).inc()
    return error


def _claims(*, optional: bool) -> Mapping[str, Any] | None:
    """Return the claims of the request's token; None if the token is optional and missing."""
    try:
        if verify_jwt_in_request(optional=optional) is None:
            return None
    except NoAuthorizationError:
        raise token_missing() from None
    except ERRORS as error:
        raise TokenRefused(reason_of(error)) from None
    claims: Mapping[str, Any] = get_jwt()
    return claims
