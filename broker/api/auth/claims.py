"""Read the caller from the claims of a verified token."""

import logging
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from broker.api.auth.refusals import TokenRefused
from broker.config import Settings
from broker.domain.grants import CLAIM, NO_GRANTS, Grants, read_grants
from broker.domain.principal import Principal, Role
from broker.domain.subjects import own_id, subject_of
from broker.telemetry.metrics import GRANTS_IGNORED

log = logging.getLogger("broker.grants")


def principal_of(claims: Mapping[str, Any], settings: Settings) -> Principal:
    """Return the caller that these claims describe.

    Raises:
        TokenRefused: a claim that the broker needs is missing or invalid.
    """
    if "exp" not in claims:
        raise TokenRefused("expiry_missing")
    subject = subject_of(claims.get(settings.jwt_user_claim))
    if subject is None:
        raise TokenRefused("subject_invalid")
    is_service = claims.get(settings.jwt_role_claim) == settings.jwt_service_role
    return Principal(
        user_id=own_id(subject) or 0,
        subject=subject,
        role=Role.SERVICE if is_service else Role.USER,
        email=_text(claims.get("email"), 254) or None,
        first_name=_text(claims.get("first_name"), 150),
        last_name=_text(claims.get("last_name"), 150),
        grants=NO_GRANTS if is_service else _grants(claims.get(CLAIM)),
        issued_at=max(int(claims["iat"]), 0) if "iat" in claims else None,
        expires_at=int(claims["exp"]),
    )


def _grants(claim: object) -> Grants:
    """Return the grants of a claim; log and count those that are malformed, without their values.

    The log line has the indices of the entries for each flaw; `[]` means the whole claim.
    """
    grants, faults = read_grants(claim)
    if faults:
        indices: dict[str, list[int]] = defaultdict(list)
        for fault in faults:
            GRANTS_IGNORED.labels(fault.flaw.value).inc()
            indices[fault.flaw.value] += [] if fault.index is None else [fault.index]
        log.warning("malformed grants ignored", extra={"grants": dict(indices)})
    return grants


def _text(claim: object, length: int) -> str:
    """Return a claim's text without control characters, so that unusual names can sign in."""
    if not isinstance(claim, str):
        return ""
    kept = (character for character in claim if unicodedata.category(character) not in ("Cc", "Cs"))
    return "".join(kept)[:length]
