"""Capability URLs for Uppy, which sends no Authorization header.

A capability is the signed id of an Uppy session (itsdangerous, HMAC-SHA-256). A forged one is
refused without a query. Limits, expiry and revocation are in the session's row.
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
from broker.api.request.context import current, utc_now
from broker.config import Settings
from broker.db.models import UppySession
from broker.domain.errors import CapabilityInvalid
from broker.services.uppy.sessions import live_session, principal_of

SALT = b"broker uppy session"
P = ParamSpec("P")
R = TypeVar("R")


class CapabilityConverter(BaseConverter):
    """A path segment that may end with a slash: Uppy appends `/s3/…` to an endpoint with one."""

    regex = r"[^/]+/?"
    part_isolating = False

    def to_python(self, value: str) -> str:
        """Return the segment without a trailing slash."""
        return value.removesuffix("/")


def init_app(app: Flask) -> None:
    """Register the URL converter."""
    app.url_map.converters["capability"] = CapabilityConverter


def signed(session_id: UUID) -> str:
    """Return the capability of a session."""
    return _signer(current().settings).sign(session_id.hex).decode("ascii")


def _signer(settings: Settings) -> Signer:
    """Create the signer. Its key is BROKER_CAPABILITY_SECRET, or derived from the JWT secret."""
    if settings.capability_secret is not None:
        secret = settings.capability_secret.get_secret_value().encode()
    elif settings.jwt_secret is not None:
        secret = hmac.digest(settings.jwt_secret.get_secret_value().encode(), SALT, "sha256")
    else:
        raise ApiError("uppy_not_configured", "Set BROKER_CAPABILITY_SECRET to use Uppy.")
    return Signer(secret, salt=SALT, key_derivation="hmac", digest_method=hashlib.sha256)


def requires_capability(view: Callable[P, R]) -> Callable[P, R]:
    """Run the view only if the URL has a valid capability."""

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        capability = str(kwargs.pop("capability"))
        broker = current()
        with broker.database.session() as session:
            g.uppy_session = live_session(session, _session_id(capability), now=utc_now())
        count_request(principal_of(g.uppy_session))
        return view(*args, **kwargs)

    wrapper.auth = "capability"  # type: ignore[attr-defined]
    return answers(
        "capability_invalid", "capability_expired", "capability_revoked", "uppy_not_configured"
    )(wrapper)


def _session_id(capability: str) -> UUID:
    try:
        return UUID(hex=_signer(current().settings).unsign(capability).decode("ascii"))
    except (BadSignature, ValueError, binascii.Error):
        raise CapabilityInvalid("The endpoint's signature is not valid.") from None


def uppy_session() -> UppySession:
    """Return the Uppy session of this request, in a view with `requires_capability`."""
    found: UppySession = g.uppy_session
    return found
