"""Sign tokens with a key, or with the secret of `broker dev`."""

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import jwt
from dotenv import dotenv_values

from broker.local.dev_env import ENV_FILE

ACTIONS = ("create", "read")  # those that `broker upload` needs


@dataclass(frozen=True, kw_only=True)
class Required:
    """What a broker requires of tokens, and the claim and value that mark a service."""

    claims: Mapping[str, str]
    header: Mapping[str, str] = field(default_factory=dict)
    role_claim: str = "role"
    service_role: str = "service"


def dev_token(data_dir: Path, sub: str, *, profile: str | None, owner: str | None) -> str:
    """Sign a user's token with the secret of `broker dev`; raise ClickException without one.

    With a profile and an owner the token grants the user to upload and read the owner's files.
    """
    secret = dev_secret(data_dir, "HS256")
    required = dev_requires(data_dir, sub)
    claims: dict[str, Any] = {**required.claims}
    if profile is not None and owner is not None:
        # `broker upload` is a client like any other, so this does not import the domain.
        grant = {"type": "upload", "profile": profile, "owner": owner, "actions": [*ACTIONS]}
        claims["authorization_details"] = [grant]
    return mint(secret, "HS256", ttl=3600, claims=claims, header=required.header)


def mint(
    signing: str,
    algorithm: str,
    *,
    ttl: int,
    claims: Mapping[str, Any],
    header: Mapping[str, str],
) -> str:
    """Sign the claims; raise ClickException if the key does not suit the algorithm."""
    now = int(time.time())
    payload = {"iat": now, "exp": now + ttl, **claims}
    with warnings.catch_warnings():
        warnings.simplefilter("error", jwt.InsecureKeyLengthWarning)
        try:
            return jwt.encode(payload, signing, algorithm, headers=dict(header))
        except (jwt.InvalidKeyError, jwt.InsecureKeyLengthWarning, ValueError, TypeError):
            raise click.ClickException(
                f"the key does not suit {algorithm}: HS256 needs a secret of at least 32 bytes,"
                " RS256 and ES256 need a private key as PEM"
            ) from None


def dev_requires(data_dir: Path, sub: str) -> Required:
    """Return what `broker dev` requires of this user's tokens."""
    values = dotenv_values(data_dir / ENV_FILE)
    name, _, value = (values.get("BROKER_JWT_TOKEN_TYPE") or "").partition("=")
    header = {"typ": value} if name == "typ" else {}
    claims = {"iss": values.get("BROKER_JWT_ISSUER"), "aud": values.get("BROKER_JWT_AUDIENCE")}
    if not header:
        claims[name] = value
    claims[values.get("BROKER_JWT_USER_CLAIM") or "sub"] = sub
    return Required(
        claims={name: value for name, value in claims.items() if value},
        header=header,
        role_claim=values.get("BROKER_JWT_ROLE_CLAIM") or Required.role_claim,
        service_role=values.get("BROKER_JWT_SERVICE_ROLE") or Required.service_role,
    )


def dev_secret(data_dir: Path, algorithm: str) -> str:
    """Return the secret that `broker dev` generated. BROKER_JWT_SECRET is not read."""
    secret = dotenv_values(data_dir / ENV_FILE).get("BROKER_JWT_SECRET")
    if not secret or algorithm != "HS256":
        raise click.ClickException(
            f"no dev secret in {data_dir / ENV_FILE}: run `broker dev` first, or use --key"
        )
    return secret
