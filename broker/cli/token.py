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

from broker.domain.subjects import SUBJECT_MAX, subject_of
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


def subject_option(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """Return the subject of an option; refuse what the API would refuse."""
    subject = subject_of(value)
    if subject is None:
        raise click.BadParameter(
            f"must have 1 to {SUBJECT_MAX} characters and no control characters"
        )
    return subject


@click.command()
@click.option(
    "--sub", callback=subject_option, required=True, help="The user: an id, a UUID or another text."
)
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
    sub: str,
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
    required = _dev_claims(data_dir, sub) if key is None else {}
    optional = {"role": role if role != "user" else None, "email": email, "iss": iss, "aud": aud}
    given = {name: value for name, value in optional.items() if value is not None}
    chosen = {**required, **given, **claims}
    if not isinstance(chosen.get("iss", ""), str):
        raise click.UsageError("The claim iss must be text.")
    click.echo(_mint(signing, algorithm, sub=sub, ttl=ttl, claims=chosen))


def dev_token(data_dir: Path, sub: str) -> str:
    """Sign a user's token with the secret of `broker dev`; raise ClickException without one."""
    secret = _dev_secret(data_dir, "HS256")
    return _mint(secret, "HS256", sub=sub, ttl=3600, claims=_dev_claims(data_dir, sub))


def _mint(signing: str, algorithm: str, *, sub: str, ttl: int, claims: Mapping[str, Any]) -> str:
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


def _dev_claims(data_dir: Path, sub: str) -> dict[str, str]:
    """Return the claims that `broker dev` requires: issuer, audience, and its claim of the user."""
    values = dotenv_values(data_dir / ENV_FILE)
    names = {"iss": "BROKER_JWT_ISSUER", "aud": "BROKER_JWT_AUDIENCE"}
    required = {claim: value for claim, name in names.items() if (value := values.get(name))}
    return {values.get("BROKER_JWT_USER_CLAIM") or "sub": sub, **required}


def _dev_secret(data_dir: Path, algorithm: str) -> str:
    """Return the secret that `broker dev` generated. BROKER_JWT_SECRET is not read."""
    secret = dotenv_values(data_dir / ENV_FILE).get("BROKER_JWT_SECRET")
    if not secret or algorithm != "HS256":
        raise click.ClickException(
            f"no dev secret in {data_dir / ENV_FILE}: run `broker dev` first, or use --key"
        )
    return secret
