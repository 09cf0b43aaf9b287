"""Which broker `broker upload` talks to, and as whom."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import jwt

from broker.cli.token import dev_token
from broker.local.dev_env import api_url


@dataclass(frozen=True, kw_only=True)
class Target:
    """A broker's address, and what gives the token, anew where it has expired."""

    url: str
    token: str | Callable[[], str]

    def user(self) -> int:
        """Read whose token it is; the broker alone verifies it."""
        token = self.token if isinstance(self.token, str) else self.token()
        try:
            # Its claims are read to name a path, and nothing is granted for them.
            claims = jwt.decode(token, options={"verify_signature": False})
            return int(claims["sub"])
        except (jwt.InvalidTokenError, KeyError, ValueError):
            raise click.UsageError("The token names no user; --avatar needs a user's.") from None


def find_target(url: str | None, token: str | None, data_dir: Path, sub: int) -> Target:
    """Take what is given, else what `broker dev` keeps; raises UsageError.

    A token that is given never goes to an address that is not.
    """
    if url is not None and not url.startswith(("http://", "https://")):
        raise click.UsageError("--url must begin with http:// or https://.")
    if url is not None and not url.isprintable():
        raise click.UsageError("--url has a character that no address has, such as a line's end.")
    if token is not None:
        if url is None:
            raise click.UsageError("With a token, give --url too: where it may be sent.")
        return Target(url=url, token=token)
    served = api_url(data_dir)
    if served is None:
        raise click.UsageError(
            f"No token: give BROKER_TOKEN and --url, or run `broker dev` ({data_dir} has none)."
        )
    return Target(url=url or served, token=lambda: dev_token(data_dir, sub))
