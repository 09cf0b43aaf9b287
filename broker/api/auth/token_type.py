"""Check that a token is an access token, and not for example a refresh token.

An issuer marks the purpose in the header field `typ` (RFC 9068), or in a claim:
djangorestframework-simplejwt uses `token_type`.
"""

from collections.abc import Collection, Mapping
from typing import Any

from broker.config.tokens import TYP

# The values that an access token may have. None: the field may be missing.
_ACCESS: Mapping[str, Collection[str | None]] = {
    TYP: (None, "jwt", "at+jwt"),
    "token_type": (None, "access", "bearer"),
}


def is_access_token(
    header: Mapping[str, Any], claims: Mapping[str, Any], required: str | None
) -> bool:
    """Check whether this is an access token. Letter case does not matter.

    Args:
        required: `typ=VALUE` or `CLAIM=VALUE` of the settings. It replaces the rule for that field.
    """
    rules = dict(_ACCESS)
    if required is not None:
        name, _, value = required.partition("=")
        rules[name] = (_plain(value),)
    return all(
        _plain((header if name == TYP else claims).get(name)) in allowed
        for name, allowed in rules.items()
    )


def _plain(value: object) -> str | None:
    if value is None:
        return None
    # RFC 7515, section 4.1.9: a media type may be written without `application/`.
    return value.lower().removeprefix("application/") if isinstance(value, str) else ""
