"""`broker token`: sign a token for local work. It never reads a production secret."""

import time
import warnings
from pathlib import Path

import click
import jwt
from dotenv import dotenv_values

from broker.local.dev_env import DEFAULT_DATA_DIR, ENV_FILE


@click.command()
@click.option("--sub", type=click.IntRange(1, 2**63 - 1), required=True, help="The user's id.")
@click.option("--role", type=click.Choice(["user", "service"]), default="user")
@click.option("--ttl", type=click.IntRange(1, 86400), default=3600, help="Lifetime in seconds.")
@click.option("--email", help="The user's email claim.")
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
    data_dir: Path,
    key: Path | None,
    algorithm: str,
) -> None:
    """Print a token, signed with --key or with the secret of `broker dev`."""
    signing = key.read_text().strip() if key else _dev_secret(data_dir, algorithm)
    click.echo(_mint(signing, algorithm, sub=sub, role=role, ttl=ttl, email=email))


def dev_token(data_dir: Path, sub: int) -> str:
    """Sign a user's token with the secret of `broker dev`; raise ClickException without one."""
    secret = _dev_secret(data_dir, "HS256")
    return _mint(secret, "HS256", sub=sub, role="user", ttl=3600, email=None)


def _mint(signing: str, algorithm: str, *, sub: int, role: str, ttl: int, email: str | None) -> str:
    claims: dict[str, object] = {"sub": str(sub), "exp": int(time.time()) + ttl}
    if role != "user":
        claims["role"] = role
    if email is not None:
        claims["email"] = email
    with warnings.catch_warnings():
        warnings.simplefilter("error", jwt.InsecureKeyLengthWarning)
        try:
            return jwt.encode(claims, signing, algorithm)
        except (jwt.InvalidKeyError, jwt.InsecureKeyLengthWarning, ValueError, TypeError):
            raise click.ClickException(
                f"the key does not suit {algorithm}: HS256 needs a secret of at least 32 bytes,"
                " RS256 and ES256 need a private key as PEM"
            ) from None


def _dev_secret(data_dir: Path, algorithm: str) -> str:
    """Return the secret that `broker dev` generated. BROKER_JWT_SECRET is not read."""
    secret = dotenv_values(data_dir / ENV_FILE).get("BROKER_JWT_SECRET")
    if not secret or algorithm != "HS256":
        raise click.ClickException(
            f"no dev secret in {data_dir / ENV_FILE}: run `broker dev` first, or use --key"
        )
    return secret
