"""A token for the page. `broker dev` only."""

import time
from typing import Any

import jwt
from flask import Blueprint, request

from broker.api.problems.handlers import ApiError
from broker.api.request.context import current
from broker.config.tokens import TYP
from broker.domain.grants import CLAIM, ENTRIES_MAX, TYPE, Action

DEV_TOKEN_SECONDS = 3600
blueprint = Blueprint("dev_sign_in", __name__)


@blueprint.get("/dev/token")
def dev_token() -> dict[str, str]:
    """Return a token of user 1, signed with the secret of `broker dev`.

    Each `owner=<profile>/<owner>` of the query adds a grant of all actions. Pages of other origins
    cannot read the answer, and `broker dev` answers only to names of this machine.
    """
    settings = current().settings
    secret = settings.jwt_secret
    if secret is None:
        raise RuntimeError("broker dev always sets a secret")
    now = int(time.time())
    claims: dict[str, Any] = {
        settings.jwt_user_claim: "1",
        "iat": now,
        "exp": now + DEV_TOKEN_SECONDS,
        "email": "dev@example.com",
    }
    grants = _grants(request.args.getlist("owner"))
    if grants:
        claims[CLAIM] = grants
    name, _, value = (settings.jwt_token_type or "").partition("=")
    header = {TYP: value} if name == TYP else {}
    required = {"iss": settings.jwt_issuer, "aud": settings.jwt_audience}
    if not header:
        required[name] = value or None
    claims |= {name: value for name, value in required.items() if value is not None}
    return {"token": jwt.encode(claims, secret.get_secret_value(), "HS256", headers=header)}


def _grants(owners: list[str]) -> list[dict[str, Any]]:
    """Return the grants for owners such as `product_image/42`; raise ApiError for others."""
    if len(owners) > ENTRIES_MAX:
        raise _refused(f"A token has at most {ENTRIES_MAX} grants.")
    grants = []
    for text in owners:
        name, _, owner = text.partition("/")
        profile = current().limits.profiles.named(name)
        if profile is None or not profile.is_by_token or not profile.is_owner(owner):
            raise _refused("Must be <profile>/<owner>, and the profile's owners by token.")
        actions = [action.value for action in Action]
        grants.append({"type": TYPE, "profile": name, "owner": owner, "actions": actions})
    return grants


def _refused(text: str) -> ApiError:
    return ApiError("validation_error", "The owners are not valid.", {"owner": [text]})
