"""The broker and the user of `broker upload`."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from broker.cli.signing import dev_token
from broker.local.dev_env import api_url

if TYPE_CHECKING:  # a server installation does not have the client
    from broker_client.tokens import TokenForOwner


@dataclass(frozen=True, kw_only=True)
class Target:
    """A broker's address, and a token or a function that returns the token for an owner."""

    url: str
    token: "str | TokenForOwner"


def find_target(url: str | None, token: str | None, data_dir: Path, sub: str) -> Target:
    """Return the target that was given, otherwise that of `broker dev`.

    A given token is sent only to a given address.

    Raises:
        click.UsageError: address or token is missing or not valid.
    """
    if url is not None and not url.startswith(("http://", "https://")):
        raise click.UsageError("--url must begin with http:// or https://.")
    if url is not None and not url.isprintable():
        raise click.UsageError(
            "--url contains a character that is not allowed, for example a line break."
        )
    if token is not None:
        if url is None:
            raise click.UsageError(
                "With a token, pass --url too: the address that the token is sent to."
            )
        return Target(url=url, token=token)
    served = api_url(data_dir)
    if served is None:
        raise click.UsageError(
            f"No token. Set BROKER_TOKEN and pass --url, or run `broker dev` "
            f"({data_dir} has no token)."
        )
    return Target(url=url or served, token=partial(dev_token, data_dir, sub))
