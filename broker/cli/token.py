"""`broker token`: sign a token for local work. It never reads a production secret."""

import json
from pathlib import Path
from typing import Any

import click

from broker.cli.signing import Required, dev_requires, dev_secret, mint
from broker.domain.grants import CLAIM, ENTRIES_MAX, TYPE, Action, Flaw, read_grants
from broker.domain.subjects import SUBJECT_MAX, subject_of
from broker.local.dev_env import DEFAULT_DATA_DIR


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


_GRANT = "PROFILE/OWNER:ACTION,ACTION"
_FLAWS = {
    Flaw.PROFILE_INVALID: "the profile must begin with a letter and have up to 32 of a-z, 0-9, _",
    Flaw.OWNER_INVALID: "the owner must have 1 to 64 of A-Z, a-z, 0-9, _, -",
    Flaw.ACTIONS_INVALID: f"there are more than {len(Action)} actions",
    Flaw.ACTION_UNKNOWN: f"the actions are {', '.join(Action)}",
}


def _grants(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    """Return the claim of the grants; refuse what the API would ignore."""
    if len(values) > ENTRIES_MAX:
        raise click.BadParameter(f"a token has at most {ENTRIES_MAX} grants")
    entries = []
    for value in values:
        profile, slash, rest = value.partition("/")
        owner, colon, actions = rest.partition(":")
        if not slash or not colon:
            raise click.BadParameter(f"{value!r} is not {_GRANT}")
        entry = {"type": TYPE, "profile": profile, "owner": owner, "actions": actions.split(",")}
        _, faults = read_grants([entry])
        if faults:
            raise click.BadParameter(f"{value!r}: {_FLAWS[faults[0].flaw]}")
        entries.append(entry)
    return {CLAIM: entries} if entries else {}


def _subject(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """Return the subject of an option; refuse what the API would refuse."""
    subject = subject_of(value)
    if subject is None:
        raise click.BadParameter(
            f"must have 1 to {SUBJECT_MAX} characters and no control characters"
        )
    return subject


@click.command()
@click.option(
    "--sub", callback=_subject, required=True, help="The user: an id, a UUID or another text."
)
@click.option("--role", type=click.Choice(["user", "service"]), default="user")
@click.option("--ttl", type=click.IntRange(1, 86400), default=3600, help="Lifetime in seconds.")
@click.option("--email", help="The user's email claim.")
@click.option("--iss", help="The issuer, such as the value of BROKER_JWT_ISSUER.")
@click.option("--aud", help="The audience, such as the value of BROKER_JWT_AUDIENCE.")
@click.option("--typ", help="The typ of the header, such as at+jwt.")
@click.option(
    "--grant",
    "grants",
    callback=_grants,
    multiple=True,
    metavar=_GRANT,
    help="What the user may do for one owner, such as product_image/42:create,delete. Repeatable.",
)
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
    typ: str | None,
    grants: dict[str, Any],
    claims: dict[str, Any],
    data_dir: Path,
    key: Path | None,
    algorithm: str,
) -> None:
    """Print a token, signed with --key or with the secret of `broker dev`."""
    signing = key.read_text().strip() if key else dev_secret(data_dir, algorithm)
    required = Required(claims={"sub": sub}) if key else dev_requires(data_dir, sub)
    optional = {"email": email, "iss": iss, "aud": aud}
    if role == "service":
        optional[required.role_claim] = required.service_role
    given = {name: value for name, value in optional.items() if value is not None}
    chosen = {**required.claims, **given, **grants, **claims}
    if not isinstance(chosen.get("iss", ""), str):
        raise click.UsageError("The claim iss must be text.")
    header = {"typ": typ} if typ else required.header
    click.echo(mint(signing, algorithm, ttl=ttl, claims=chosen, header=header))
