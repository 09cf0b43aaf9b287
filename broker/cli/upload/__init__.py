"""`broker upload`: upload files from a shell or a script, with the Python client."""

import importlib.util
import re
import sys
from pathlib import Path

import click

from broker.cli.upload.target import find_target
from broker.local.dev_env import DEFAULT_DATA_DIR

NEEDS = ("broker_client", "rich")
INTERRUPTED = 130


def _owner(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Return the value of --owner; refuse what is not a profile and an owner."""
    if value is not None and not re.fullmatch(r"[a-z][a-z0-9_]*/[A-Za-z0-9_-]{1,64}", value):
        raise click.BadParameter(f"{value!r} is not PROFILE/OWNER, such as product_image/42.")
    return value


@click.command()
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@click.option("--ad", type=click.IntRange(1, 2**63 - 1), metavar="ID", help="The ad's id.")
@click.option(
    "--owner",
    callback=_owner,
    metavar="PROFILE/OWNER",
    help="The owner of any profile, such as product_image/42.",
)
@click.option("--avatar", is_flag=True, help="Set the file as the avatar of the token's user.")
@click.option("--url", metavar="URL", help="The broker's address.")
@click.option("--token", envvar="BROKER_TOKEN", help="The bearer token. Safer in BROKER_TOKEN.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_DATA_DIR,
    help="Without --token: the directory of `broker dev`, with its address and secret.",
)
@click.option(
    "--sub",
    default="1",
    help="Without --token: the user to upload as, as in `broker token`. Default: 1.",
)
@click.option("--alt-text", default="", help="Alt text of the images.")
@click.option(
    "--order",
    type=click.IntRange(0, 32767),
    default=0,
    help="Position of the first file among the owner's files. The others follow.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per file.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 32),
    default=4,
    help="Files to upload at the same time. Default: 4.",
)
def upload(
    files: tuple[Path, ...],
    ad: int | None,
    owner: str | None,
    avatar: bool,
    url: str | None,
    token: str | None,
    data_dir: Path,
    sub: str,
    alt_text: str,
    order: int,
    as_json: bool,
    jobs: int,
) -> None:
    """Upload photos to an ad, files to another owner, or one photo as an avatar.

    Wait until each image is ready, and print each file with its URL; the file of a private profile
    has none, so its key is printed. To resume after an interruption, run the same command again.

    Exit status 0: all files are uploaded. 1: some are not; standard error says why. 2: nothing was
    sent because a file or an option cannot be used. 130: interrupted.
    """
    if [ad is not None, owner is not None, avatar].count(True) != 1:
        raise click.UsageError("Pass either --ad ID, --owner PROFILE/OWNER or --avatar.")
    if avatar and (len(files) > 1 or alt_text or order):
        raise click.UsageError("--avatar takes one file, and neither --alt-text nor --order.")
    target = find_target(url, token, data_dir, sub)
    if any(importlib.util.find_spec(name) is None for name in NEEDS):
        raise click.ClickException(
            "the Python client is not installed: "
            "pip install httpx rich, then pip install clients/python"
        )
    # Imported here: a server installation does not have these packages.
    from broker.cli.upload.run import UploadRequest, run

    request = UploadRequest(files=files, ad=ad, owner=owner, alt_text=alt_text, order=order)
    try:
        status = run(target, request, as_json=as_json, jobs=jobs)
    except KeyboardInterrupt:
        click.echo("broker: interrupted; run the same command again to resume", err=True)
        status = INTERRUPTED
    sys.exit(status)
