"""Capability URLs: the URL itself grants access, because Uppy sends no Authorization.

A capability is the id of an Uppy session with a signature (itsdangerous, HMAC-SHA-256), so a forged
one is refused without a query. The session's row has the files and bytes that are left, and whether
it was revoked.
"""

import binascii
import hashlib
import hmac
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar
from uuid import UUID

from flask import Flask, g
from itsdangerous import BadSignature, Signer
from werkzeug.routing import BaseConverter

from broker.api.problems.answers import answers
from broker.api.problems.handlers import ApiError
from broker.api.rate_limits.limits import count_request
from broker.api.request.context import current
from broker.config import Settings
from broker.db.models import UppySession
from broker.domain.errors import CapabilityInvalid
from broker.domain.principal import ANYONE
from broker.services.uppy.sessions import live_session, principal_of

SALT = b"broker uppy session"
P = ParamSpec("P")
R = TypeVar("R")


class CapabilityConverter(BaseConverter):
    """One path segment, with or without a slash: Uppy appends `/s3/…` to the endpoint."""

    regex = r"[^/]+/?"
    part_isolating = False

    def to_python(self, value: str) -> str:
        """Return the segment without the slash."""
        return value.removesuffix("/")


def init_app(app: Flask) -> None:
    """Register the converter for routes."""
    app.url_map.converters["capability"] = CapabilityConverter


def signed(session_id: UUID) -> str:
    """Return the signed capability of a session."""
    return _signer(current().settings).sign(session_id.hex).decode("ascii")


def _signer(settings: Settings) -> Signer:
    """Return the signer; if no capability secret is set, derive its key from the JWT secret."""
    if settings.capability_secret is not None:
        secret = settings.capability_secret.get_secret_value().encode()
    elif settings.jwt_secret is not None:
        secret = hmac.digest(settings.jwt_secret.get_secret_value().encode(), SALT, "sha256")
    else:
        raise ApiError("uppy_not_configured", "Set BROKER_CAPABILITY_SECRET to use Uppy here.")
    return Signer(secret, salt=SALT, key_derivation="hmac", digest_method=hashlib.sha256)


def requires_capability(view: Callable[P, R]) -> Callable[P, R]:
    """Run the view only for a live capability, and refuse all other requests."""

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        capability = str(kwargs.pop("capability"))
        with current().work(ANYONE) as work:
            g.uppy_session = live_session(work, _session_id(capability))
        count_request(principal_of(current().limits, g.uppy_session))
        return view(*args, **kwargs)

    wrapper.auth = "capability"  # type: ignore[attr-defined]
    return answers(
        "capability_invalid", "capability_expired", "capability_revoked", "uppy_not_configured"
    )(wrapper)


def _session_id(capability: str) -> UUID:
    try:
        return UUID(hex=_signer(current().settings).unsign(capability).decode("ascii"))
    except (BadSignature, ValueError, binascii.Error):
        raise CapabilityInvalid("This endpoint is not valid; ask for a new one.") from None


def uppy_session() -> UppySession:
    """Return the session of this request, in a view behind `requires_capability`."""
    found: UppySession = g.uppy_session
    return found
