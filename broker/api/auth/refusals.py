"""Why a token is refused: a stable word for the log and the metric, and a text for the client.

The text explains a claim only after the signature is verified. Before that, all reasons have the
same text, so that it does not help to forge a token.
"""

from flask_jwt_extended.exceptions import (
    JWTDecodeError,
    JWTExtendedException,
    UserClaimsVerificationError,
    WrongTokenError,
)
from jwt.exceptions import (
    ExpiredSignatureError,
    ImmatureSignatureError,
    InvalidAlgorithmError,
    InvalidAudienceError,
    InvalidIssuerError,
    InvalidKeyError,
    InvalidSignatureError,
    InvalidSubjectError,
    MissingRequiredClaimError,
    PyJWTError,
)

from broker.api.problems.handlers import ApiError

_NOT_VERIFIED = "The token cannot be verified."
TEXTS = {
    "malformed": _NOT_VERIFIED,
    "algorithm": _NOT_VERIFIED,
    "unknown_key": _NOT_VERIFIED,
    "key_unsuitable": _NOT_VERIFIED,
    "signature": _NOT_VERIFIED,
    "expired": "The token has expired; get a new one.",
    "not_yet_valid": "The token is not valid yet; its nbf or iat is in the future.",
    "expiry_missing": "The token has no exp.",
    "issuer_missing": "The token has no iss.",
    "issuer_wrong": "The token is from another issuer.",
    "audience_missing": "The token has no aud.",
    "audience_wrong": "The token is for another audience.",
    "token_type": "The token is not an access token.",
    "user_erased": "The user was erased. A token that was issued later, with iat, signs in again.",
    "subject_missing": "The token lacks the claim that names the user.",
    "subject_invalid": "The claim that names the user must be a string of 1 to 128 characters.",
}
_MISSING = {"iss": "issuer_missing", "aud": "audience_missing"}
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (InvalidAlgorithmError, "algorithm"),
    (InvalidKeyError, "key_unsuitable"),
    (InvalidSignatureError, "signature"),
    (ExpiredSignatureError, "expired"),
    (ImmatureSignatureError, "not_yet_valid"),
    (InvalidIssuerError, "issuer_wrong"),
    (InvalidAudienceError, "audience_wrong"),
    (InvalidSubjectError, "subject_invalid"),
    (JWTDecodeError, "subject_missing"),
    (UserClaimsVerificationError, "token_type"),
    (WrongTokenError, "token_type"),
)
# The last three: a part of the token is not JSON, or a claim has the wrong type.
ERRORS = (PyJWTError, JWTExtendedException, ValueError, TypeError, OverflowError)


class TokenRefused(ApiError):
    """The token is not accepted. `reason` is a key of TEXTS."""

    def __init__(self, reason: str) -> None:
        super().__init__("token_expired" if reason == "expired" else "token_invalid", TEXTS[reason])
        self.reason = reason


def reason_of(error: Exception) -> str:
    """Return the reason for an error that PyJWT or Flask-JWT-Extended raised."""
    if isinstance(error, MissingRequiredClaimError):
        return _MISSING.get(error.claim, "malformed")
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), "malformed")
