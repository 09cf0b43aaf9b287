"""Settings of bearer tokens: the key that verifies them, and what their claims must be."""

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from broker.config.serving import ServingSettings
from broker.config.values import OptionalText, OptionalUrl

HS256_SECRET_BYTES = 32
# The header field that BROKER_JWT_TOKEN_TYPE may name. Any other name is a claim.
TYP = "typ"
_TOKEN_TYPE = re.compile(r"\w+=[!-~]+", re.ASCII)


class TokenSettings(ServingSettings):
    """Settings of bearer tokens. Times are in seconds."""

    jwt_algorithm: Literal["HS256", "RS256", "ES256"] = Field(
        default="HS256", description="Algorithm of token signatures. No other is accepted."
    )
    jwt_secret: SecretStr | None = Field(
        default=None, description="HS256: secret shared with the marketplace, 32 bytes or more."
    )
    jwt_public_key: OptionalText = Field(
        default=None, description="RS256, ES256: public key as PEM, or the path of a PEM file."
    )
    jwt_jwks_url: OptionalUrl = Field(
        default=None, description="RS256, ES256: URL of the issuer's keys (JWKS)."
    )
    jwt_jwks_max_age: int = Field(
        default=600,
        ge=10,
        le=86400,
        description="How long a key of the JWKS URL is used after it was last seen there.",
    )
    jwt_issuer: OptionalText = Field(default=None, description="Required `iss`.")
    jwt_audience: OptionalText = Field(default=None, description="Required `aud`.")
    jwt_user_claim: str = Field(
        default="sub",
        min_length=1,
        description="The claim that names the user: a string of 1 to 128 characters.",
    )
    jwt_token_type: OptionalText = Field(
        default=None,
        description="Required type, such as `typ=at+jwt` (header) or `token_type=access` (claim).",
    )
    jwt_leeway: int = Field(
        default=10,
        ge=0,
        le=300,
        description="How far the issuer's clock may differ, for `exp`, `nbf` and `iat`.",
    )
    jwt_role_claim: str = Field(
        default="role", min_length=1, description="The claim with the role of the caller."
    )
    jwt_service_role: str = Field(
        default="service",
        min_length=1,
        description="The role that means service. Any other value means user.",
    )

    @field_validator("jwt_token_type")
    @classmethod
    def _named(cls, value: str | None) -> str | None:
        if value is not None and not _TOKEN_TYPE.fullmatch(value):
            raise ValueError("must be typ=VALUE or CLAIM=VALUE, such as typ=at+jwt")
        return value

    @field_validator("jwt_user_claim")
    @classmethod
    def _names_a_user(cls, value: str) -> str:
        if value in ("aud", "exp", "iat", "iss", "jti", "nbf"):
            raise ValueError("must be a claim that names the user, such as sub")
        return value

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        secret = self.jwt_secret.get_secret_value() if self.jwt_secret else ""
        keys = [key for key in (self.jwt_public_key, self.jwt_jwks_url) if key]
        if self.jwt_algorithm == "HS256":
            if len(secret.encode()) < HS256_SECRET_BYTES or keys:
                raise ValueError(
                    "BROKER_JWT_SECRET: HS256 requires a secret of 32 bytes or more, and no key"
                )
        elif len(keys) != 1 or secret:
            raise ValueError(
                "BROKER_JWT_PUBLIC_KEY: RS256 and ES256 require either this setting or "
                "BROKER_JWT_JWKS_URL, and no secret"
            )
        try:
            pem = self.jwt_public_key_pem or "-----BEGIN"
        except (OSError, UnicodeDecodeError):
            pem = ""
        if "-----BEGIN" not in pem:
            raise ValueError("BROKER_JWT_PUBLIC_KEY: must be a PEM key or the path of a PEM file")
        return self

    @property
    def jwt_public_key_pem(self) -> str | None:
        """The public key as PEM text. It is read from its file if the setting is a path."""
        if self.jwt_public_key is None or "-----BEGIN" in self.jwt_public_key:
            return self.jwt_public_key
        return Path(self.jwt_public_key).read_text(encoding="ascii")
