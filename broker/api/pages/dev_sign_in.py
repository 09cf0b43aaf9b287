"""A token for the page. `broker dev` only."""

import time

import jwt
from flask import Blueprint

from broker.api.request.context import current
from broker.config.tokens import TYP

DEV_TOKEN_SECONDS = 3600
blueprint = Blueprint("dev_sign_in", __name__)


@blueprint.get("/dev/token")
def dev_token() -> dict[str, str]:
    """Return a token of user 1, signed with the secret of `broker dev`."""
    settings = current().settings
    secret = settings.jwt_secret
    if secret is None:
        raise RuntimeError("broker dev always sets a secret")
    claims = {
        settings.jwt_user_claim: "1",
        "exp": int(time.time()) + DEV_TOKEN_SECONDS,
        "email": "dev@example.com",
    }
    name, _, value = (settings.jwt_token_type or "").partition("=")
    header = {TYP: value} if name == TYP else {}
    required = {"iss": settings.jwt_issuer, "aud": settings.jwt_audience}
    if not header:
        required[name] = value or None
    claims |= {name: value for name, value in required.items() if value is not None}
    return {"token": jwt.encode(claims, secret.get_secret_value(), "HS256", headers=header)}
