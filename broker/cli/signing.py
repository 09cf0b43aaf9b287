"""Sign tokens with a key, or with the secret of `broker dev`."""

import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import jwt
from dotenv import dotenv_values

from broker.local.dev_env import ENV_FILE


def dev_token(data_dir: Path, sub: str) -> str:
    """Sign a user's token with the secret of `broker dev`; raise ClickException without one."""
    secret = dev_secret(data_dir, "HS256")
    return mint(secret, "HS256", sub=sub, ttl=3600, claims=dev_claims(data_dir, sub))


def mint(signing: str, algorithm: str, *, sub: str, ttl: int, claims: Mapping[str, Any]) -> str:
    """Sign the claims; raise ClickException if the key does not suit the algorithm."""
    payload = {"sub": sub, "exp": int(time.time()) + ttl, **claims}
    with warnings.catch_warnings():
        warnings.simplefilter("error", jwt.InsecureKeyLengthWarning)
        try:
            return jwt.encode(payload, signing, algorithm)
        except (jwt.InvalidKeyError, jwt.InsecureKeyLengthWarning, ValueError, TypeError):
            raise click.ClickException(
                f"the key does not suit {algorithm}: HS256 needs a secret of at least 32 bytes,"
                " RS256 and ES256 need a private key as PEM"
            ) from None


def dev_claims(data_dir: Path, sub: str) -> dict[str, str]:
    """Return the claims that `broker dev` requires: issuer, audience, and its claim of the user."""
    values = dotenv_values(data_dir / ENV_FILE)
    names = {"iss": "BROKER_JWT_ISSUER", "aud": "BROKER_JWT_AUDIENCE"}
    required = {claim: value for claim, name in names.items() if (value := values.get(name))}
    return {values.get("BROKER_JWT_USER_CLAIM") or "sub": sub, **required}


def dev_secret(data_dir: Path, algorithm: str) -> str:
    """Return the secret that `broker dev` generated. BROKER_JWT_SECRET is not read."""
    secret = dotenv_values(data_dir / ENV_FILE).get("BROKER_JWT_SECRET")
    if not secret or algorithm != "HS256":
        raise click.ClickException(
            f"no dev secret in {data_dir / ENV_FILE}: run `broker dev` first, or use --key"
        )
    return secret
