"""`broker token`: sign a token for local work. It never reads a production secret."""

import json
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import jwt
from dotenv import dotenv_values

from broker.local.dev_env import DEFAULT_DATA_DIR, ENV_FILE


def _claims(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    """Return the claims of NAME=VALUE options. A value that is not JSON is a string."""
    claims: dict[str, Any] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"{value!r} is not NAME=VALUE")
        try:
            claims[name] = json.loads(text, parse_constant=_refuse_constant)
        except ValueError:
            claims[name] = text
    return claims


def _refuse_constant(name: str) -> None:
    """Raise ValueError for NaN and Infinity, which Python reads although JSON has no such value."""
    raise ValueError(name)


@click.command()
@click.option("--sub", type=click.IntRange(1, 2**63 - 1), required=True, help="The user's id.")
@click.option("--role", type=click.Choice(["user", "service"]), default="user")
@click.option("--ttl", type=click.IntRange(1, 86400), default=3600, help="Lifetime in seconds.")
@click.option("--email", help="The user's email claim.")
@click.option("--iss", help="The issuer, such as the value of BROKER_JWT_ISSUER.")
@click.option("--aud", help="The audience, such as the value of BROKER_JWT_AUDIENCE.")
@click.option(
    "--claim",
    "claims",
    callback=_claims,
    multiple=True,
    metavar="NAME=VALUE",
    help="A further claim, as JSON or text; it replaces the claim of another option. Repeatable.",
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=DEFAULT_DATA_DIR,
    help="Where `broker dev` keeps its secret.",
)
@click.option(
    "--key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file with the secret (HS256) or the private key as PEM (RS256, ES256).",
)
@click.option("--algorithm", type=click.Choice(["HS256", "RS256", "ES256"]), default="HS256")
def token(
    sub: int,
    role: str,
    ttl: int,
    email: str | None,
    iss: str | None,
    aud: str | None,
    claims: dict[str, Any],
    data_dir: Path,
    key: Path | None,
    algorithm: str,
) -> None:
    """Print a token, signed with --key or with the secret of `broker dev`."""
    signing = key.read_text().strip() if key else _dev_secret(data_dir, algorithm)
    if key is None:
        required = _dev_claims(data_dir)
        iss, aud = iss or required.get("iss"), aud or required.get("aud")
    optional = {"role": role if role != "user" else None, "email": email, "iss": iss, "aud": aud}
    chosen = {name: value for name, value in optional.items() if value is not None} | claims
    if not isinstance(chosen.get("iss", ""), str):
        raise click.UsageError("The claim iss must be text.")
    click.echo(_mint(signing, algorithm, sub=sub, ttl=ttl, claims=chosen))


def dev_token(data_dir: Path, sub: int) -> str:
    """Sign a user's token with the secret of `broker dev`; raise ClickException without one."""
    secret = _dev_secret(data_dir, "HS256")
    return _mint(secret, "HS256", sub=sub, ttl=3600, claims=_dev_claims(data_dir))


def _mint(signing: str, algorithm: str, *, sub: int, ttl: int, claims: Mapping[str, Any]) -> str:
    payload = {"sub": str(sub), "exp": int(time.time()) + ttl, **claims}
    with warnings.catch_warnings():
        warnings.simplefilter("error", jwt.InsecureKeyLengthWarning)
        try:
            return jwt.encode(payload, signing, algorithm)
        except (jwt.InvalidKeyError, jwt.InsecureKeyLengthWarning, ValueError, TypeError):
            raise click.ClickException(
                f"the key does not suit {algorithm}: HS256 needs a secret of at least 32 bytes,"
                " RS256 and ES256 need a private key as PEM"
            ) from None


def _dev_claims(data_dir: Path) -> dict[str, str]:
    """Return the issuer and the audience that `broker dev` requires."""
    values = dotenv_values(data_dir / ENV_FILE)
    names = {"iss": "BROKER_JWT_ISSUER", "aud": "BROKER_JWT_AUDIENCE"}
    return {claim: value for claim, name in names.items() if (value := values.get(name))}


def _dev_secret(data_dir: Path, algorithm: str) -> str:
    """Return the secret that `broker dev` generated. BROKER_JWT_SECRET is not read."""
    secret = dotenv_values(data_dir / ENV_FILE).get("BROKER_JWT_SECRET")
    if not secret or algorithm != "HS256":
        raise click.ClickException(
            f"no dev secret in {data_dir / ENV_FILE}: run `broker dev` first, or use --key"
        )
    return secret
