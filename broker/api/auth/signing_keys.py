"""The keys that verify tokens: one configured key, or the issuer's published keys."""

from typing import Any, Protocol

from broker.api.auth.jwks import KeySet
from broker.config import Settings


class SigningKeys(Protocol):
    """Keys by `kid`."""

    def key(self, kid: str | None) -> Any | None:
        """Return the key with this `kid`; None if the issuer does not have it.

        Raises:
            KeysUnavailable: the keys are not known at the moment.
        """

    def holds(self, kid: str | None, key: Any) -> bool:
        """Check whether this key is still trusted, without waiting for the issuer."""


class ConfiguredKey:
    """The secret or the public key of the settings. It never changes, and `kid` is ignored."""

    def __init__(self, key: str | None) -> None:
        self._key = key

    def key(self, _kid: str | None) -> Any | None:
        """Return the key."""
        return self._key

    def holds(self, _kid: str | None, _key: Any) -> bool:
        """Return True: the key is trusted as long as the process runs."""
        return True


def signing_keys(settings: Settings) -> SigningKeys:
    """Return the keys of these settings, without opening a connection."""
    if settings.jwt_jwks_url is not None:
        return KeySet(
            settings.jwt_jwks_url, settings.jwt_algorithm, max_age=settings.jwt_jwks_max_age
        )
    secret = settings.jwt_secret
    return ConfiguredKey(secret.get_secret_value() if secret else settings.jwt_public_key_pem)
