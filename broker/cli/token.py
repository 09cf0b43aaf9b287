"""`broker token`: sign a token for local work. It never reads a production secret."""

import json
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True, kw_only=True)
class _Required:
    """What a broker requires of tokens, and how they name a service."""

    header: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, str] = field(default_factory=dict)
    role_claim: str = "role"
    service_role: str = "service"


@click.command()
@click.option("--sub", type=click.IntRange(1, 2**63 - 1), required=True, help="The user's id.")
@click.option("--role", type=click.Choice(["user", "service"]), default="user")
@click.option("--ttl", type=click.IntRange(1, 86400), default=3600, help="Lifetime in seconds.")
@click.option("--email", help="The user's email claim.")
@click.option("--iss", help="The issuer, such as the value of BROKER_JWT_ISSUER.")
@click.option("--aud", help="The audience, such as the value of BROKER_JWT_AUDIENCE.")
@click.option("--typ", help="The typ of the header, such as at+jwt.")
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
    typ: str | None,
    claims: dict[str, Any],
    data_dir: Path,
    key: Path | None,
    algorithm: str,
) -> None:
    """Print a token, signed with --key or with the secret of `broker dev`."""
    signing = key.read_text().strip() if key else _dev_secret(data_dir, algorithm)
    required = _Required() if key else _dev_requires(data_dir)
    optional = {"email": email, "iss": iss, "aud": aud}
    if role == "service":
        optional[required.role_claim] = required.service_role
    chosen = {name: value for name, value in optional.items() if value is not None} | claims
    chosen = {**required.claims, **chosen}
    if not isinstance(chosen.get("iss", ""), str):
        raise click.UsageError("The claim iss must be text.")
    header = {"typ": typ} if typ else required.header
    click.echo(_mint(signing, algorithm, sub=sub, ttl=ttl, claims=chosen, header=header))


def dev_token(data_dir: Path, sub: int) -> str:
    """Sign a user's token with the secret of `broker dev`; raise ClickException without one."""
    secret = _dev_secret(data_dir, "HS256")
    required = _dev_requires(data_dir)
    return _mint(secret, "HS256", sub=sub, ttl=3600, claims=required.claims, header=required.header)


def _mint(
    signing: str,
    algorithm: str,
    *,
    sub: int,
    ttl: int,
    claims: Mapping[str, Any],
    header: Mapping[str, str],
) -> str:
    payload = {"sub": str(sub), "exp": int(time.time()) + ttl, **claims}
    with warnings.catch_warnings():
        warnings.simplefilter("error", jwt.InsecureKeyLengthWarning)
        try:
            return jwt.encode(payload, signing, algorithm, headers=dict(header))
        except (jwt.InvalidKeyError, jwt.InsecureKeyLengthWarning, ValueError, TypeError):
            raise click.ClickException(
                f"the key does not suit {algorithm}: HS256 needs a secret of at least 32 bytes,"
                " RS256 and ES256 need a private key as PEM"
            ) from None


def _dev_requires(data_dir: Path) -> _Required:
    """Return what `broker dev` requires of tokens in this directory."""
    values = dotenv_values(data_dir / ENV_FILE)
    name, _, value = (values.get("BROKER_JWT_TOKEN_TYPE") or "").partition("=")
    header = {"typ": value} if name == "typ" else {}
    claims = {"iss": values.get("BROKER_JWT_ISSUER"), "aud": values.get("BROKER_JWT_AUDIENCE")}
    if not header:
        claims[name] = value
    return _Required(
        header=header,
        claims={name: value for name, value in claims.items() if value},
        role_claim=values.get("BROKER_JWT_ROLE_CLAIM") or _Required.role_claim,
        service_role=values.get("BROKER_JWT_SERVICE_ROLE") or _Required.service_role,
    )


def _dev_secret(data_dir: Path, algorithm: str) -> str:
    """Return the secret that `broker dev` generated. BROKER_JWT_SECRET is not read."""
    secret = dotenv_values(data_dir / ENV_FILE).get("BROKER_JWT_SECRET")
    if not secret or algorithm != "HS256":
        raise click.ClickException(
            f"no dev secret in {data_dir / ENV_FILE}: run `broker dev` first, or use --key"
        )
    return secret
